import { digestOf } from '../image/digest.ts';
import type { OfferedFile } from './index-page.ts';
import { suits } from './local-version.ts';
import { type Requirement, readRequirements } from './requirements.ts';
import { tagRank } from './tags.ts';
import { describeVariant, type Variant } from './variant.ts';
import { isWanted } from './wanted.ts';
import type { Web } from './web.ts';
import { parseWheelName } from './wheel-name.ts';

/** A wheel that is to go with others. */
export interface Fitting {
  variant: Variant;
  name: string;
  filename: string;
  /** With its local part. */
  version: string;
  /** Where the index has its METADATA. */
  metadata: OfferedFile['metadata'];
  ignoredRequirements: readonly string[];
}

/** Wheels of one variant that do not go together, as sentences. */
export async function findClashes(wheels: readonly Fitting[], web: Web): Promise<string[]> {
  const requirements = await readAllRequirements(wheels, web);
  const sets = Map.groupBy(wheels, ({ variant }) => describeVariant(variant));
  return [...sets].flatMap(([variant, set]) => {
    const clashes = set.flatMap(wheel => [
      ...clashesOfTags(wheel, set),
      ...clashesOfVersions(wheel, requirements.get(wheel), set),
    ]);
    return clashes.map(clash => `${variant}: ${clash}`);
  });
}

/** A pin that was kept, or written by hand, may be for another variant. */
function clashesOfTags({ variant, name, filename }: Fitting, set: readonly Fitting[]): string[] {
  const wheel = parseWheelName(filename);
  if (wheel === undefined) return [`${filename} is no wheel.`];
  if (tagRank(wheel, variant) === undefined)
    return [`${filename} is for another Python or platform.`];
  const torch = name === 'torch' ? undefined : versionOf('torch', set);
  if (suits(wheel.version, variant, torch)) return [];
  const made = torch === undefined ? '' : ` or PyTorch than ${torch}`;
  return [`${filename} is made for another CUDA${made}.`];
}

function clashesOfVersions(
  { name, version: own, ignoredRequirements }: Fitting,
  told: readonly Requirement[] | undefined,
  set: readonly Fitting[],
): string[] {
  const required = told ?? knownPartners(name, own);
  return required.flatMap(({ name: other, versions }) => {
    const version = versionOf(other, set);
    if (version === undefined || ignoredRequirements.includes(other)) return [];
    if (isWanted(version, versions)) return [];
    return [`${name} ${own} needs ${other} ${versions}, but the set has ${version}.`];
  });
}

function versionOf(name: string, set: readonly Fitting[]): string | undefined {
  return set.find(wheel => wheel.name === name)?.version;
}

/**
 * PyTorch's published pairs, for wheels whose METADATA cannot be read: torchvision 0.(n+15) belongs to
 * torch 2.n; torchaudio 2.n belongs to torch 2.n until 2.11, which supports every later torch too
 * (pytorch/audio#4212).
 */
export function knownPartners(name: string, version: string): Requirement[] {
  const [major = 0, minor = 0] = version.split('.').map(part => Number.parseInt(part, 10));
  if (name === 'torchvision' && major === 0 && minor >= 15) {
    return [{ name: 'torch', versions: `==2.${minor - 15}.*` }];
  }
  if (name === 'torchaudio' && major === 2) {
    return [{ name: 'torch', versions: minor < 11 ? `==2.${minor}.*` : `>=2.${minor}` }];
  }
  return [];
}

/** What the METADATA files say; those with the same digest are read once. */
async function readAllRequirements(
  wheels: readonly Fitting[],
  web: Web,
): Promise<Map<Fitting, Requirement[]>> {
  const reading = new Map<string, Promise<string | undefined>>();
  const found = wheels.map(async (wheel): Promise<[Fitting, Requirement[]][]> => {
    const { metadata } = wheel;
    if (metadata === undefined) return [];
    const key = metadata.sha256 ?? metadata.url;
    const text = reading.get(key) ?? readMetadata(metadata, web);
    reading.set(key, text);
    const content = await text;
    if (content === undefined) return [];
    return [[wheel, readRequirements(content, wheel.variant)]];
  });
  return new Map((await Promise.all(found)).flat());
}

/** Undefined where it cannot be read: what is known of the pairs has to do. */
async function readMetadata(
  { url, sha256 }: NonNullable<OfferedFile['metadata']>,
  web: Web,
): Promise<string | undefined> {
  try {
    const { status, body } = await web.read(url, '*/*');
    const isRight = sha256 === undefined || digestOf(body) === `sha256:${sha256}`;
    return status === 200 && isRight ? body.toString() : undefined;
  } catch {
    web.signal?.throwIfAborted();
    return undefined;
  }
}
