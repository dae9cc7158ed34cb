import type { OfferedFile } from './index-page.ts';
import { suits } from './local-version.ts';
import { type Requirement, readRequirements } from './requirements.ts';
import { tagRank } from './tags.ts';
import { describeVariant, type Variant } from './variant.ts';
import { isAllowed } from './versions.ts';
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
  /** Whether its requirements were met by who chose the version. */
  isResolved?: boolean | undefined;
}

/**
 * Wheels of one variant that do not go together, as sentences.
 * @param metadata the METADATA of those whose index has it
 */
export function findClashes(
  wheels: readonly Fitting[],
  metadata: ReadonlyMap<Fitting, string>,
): string[] {
  const sets = Map.groupBy(wheels, ({ variant }) => describeVariant(variant));
  return [...sets].flatMap(([variant, set]) => {
    const clashes = set.flatMap(wheel => [
      ...clashesOfTags(wheel, set),
      ...clashesOfVersions(wheel, metadata.get(wheel), set),
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
  { variant, name, version: own, ignoredRequirements, isResolved }: Fitting,
  metadata: string | undefined,
  set: readonly Fitting[],
): string[] {
  const told = metadata === undefined ? undefined : readRequirements(metadata, variant);
  const required = told ?? (isResolved ? [] : knownPartners(name, own));
  return required.flatMap(({ name: other, versions }) => {
    const version = versionOf(other, set);
    if (version === undefined || versions === '' || ignoredRequirements.includes(other)) return [];
    if (isAllowed(version, versions)) return [];
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
    return [{ name: 'torch', extras: [], versions: `==2.${minor - 15}.*` }];
  }
  if (name === 'torchaudio' && major === 2) {
    return [
      { name: 'torch', extras: [], versions: minor < 11 ? `==2.${minor}.*` : `>=2.${minor}` },
    ];
  }
  return [];
}
