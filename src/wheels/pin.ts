import { Failure } from '../host/failure.ts';
import type { Choice } from './choose.ts';
import { allPins, type DigestOrigin, type Lock, pinOf, sriOf, type WheelPin } from './lock.ts';
import type { Downloaded } from './partial-downloads.ts';
import { describeVariant, type Variant } from './variant.ts';
import { fileNameOf } from './wheel-name.ts';

/** A wheel as it goes into the lock. */
export interface Pinned {
  variant: Variant;
  name: string;
  pin: WheelPin;
}

/** Hashes the file at an address by downloading it. */
export type HashDownload = (url: string) => Promise<Downloaded>;

/** Whether a choice has to be downloaded: nobody tells its digest, and the lock has none to trust. */
export function needsDownload(choice: Choice, before: Lock | undefined): boolean {
  return choice.file.sha256 === undefined && trustedPin(choice, before) === undefined;
}

/**
 * Pins the choices: by the digest that the index or release tells, else by the one in the lock for
 * the same address, else by downloading.
 * @throws Failure where a file has another digest than the lock has for it
 */
export async function pinAll(
  choices: readonly Choice[],
  before: Lock | undefined,
  hashDownload: HashDownload,
): Promise<Pinned[]> {
  const pinned = await Promise.all(
    choices.map(async choice => ({
      variant: choice.variant,
      name: choice.wheel.name,
      pin: trustedPin(choice, before) ?? (await pin(choice, hashDownload)),
    })),
  );
  const changed = pinned.flatMap(each => describeChange(each, before) ?? []);
  if (changed.length === 0) return pinned;
  throw new Failure('Files have changed under the same name. The lock was left as it is.', {
    evidence: changed,
    tried: 'The digests of the lock were compared with those that are told now.',
    next:
      'Find out why before you trust them: a published file should never change. ' +
      'If the new one is right, delete its entry from the lock and run prefetch again.',
  });
}

/** The lock's pin, where it is for this address, is certain, and nobody tells a digest anew. */
function trustedPin({ variant, wheel, file }: Choice, before: Lock | undefined) {
  const pin = pinOf(before, variant, wheel.name);
  if (file.sha256 !== undefined || pin?.url !== file.url) return undefined;
  return pin.digest === 'unconfirmed' ? undefined : pin;
}

async function pin(choice: Choice, hashDownload: HashDownload): Promise<WheelPin> {
  const { file, version, wheel, source } = choice;
  const told: DigestOrigin = wheel.origin.kind === 'index' ? 'index' : 'release';
  const { sha256, size } =
    file.sha256 === undefined
      ? await hashDownload(file.url)
      : { sha256: file.sha256, size: file.size };
  return {
    version,
    url: file.url,
    hash: sriOf(sha256),
    size: size ?? null,
    source,
    digest: file.sha256 === undefined ? 'download' : told,
  };
}

/**
 * The complaint about a file that is another one now. A pin that was never confirmed proves nothing,
 * and another source may well have another file of the same name.
 */
function describeChange({ variant, name, pin }: Pinned, before: Lock | undefined) {
  const old = pinOf(before, variant, name);
  if (old === undefined || old.hash === pin.hash || old.digest === 'unconfirmed') return undefined;
  const sameFile = fileNameOf(old.url) === fileNameOf(pin.url) && old.source === pin.source;
  if (!sameFile && old.url !== pin.url) return undefined;
  return (
    `${fileNameOf(pin.url)} (${describeVariant(variant)}): ` +
    `the lock has ${old.hash} from ${old.url}, ${pin.source} now has ${pin.hash} at ${pin.url}`
  );
}

/** What an index does not tell of a file is taken from the lock, where that has the same file. */
export function withWhatIsKnown(pinned: readonly Pinned[], before: Lock | undefined): Pinned[] {
  const old = before === undefined ? [] : allPins(before).map(({ pin }) => pin);
  const known = Map.groupBy(old, ({ hash }) => hash);
  return pinned.map(each => {
    const same = known.get(each.pin.hash) ?? [];
    const size = each.pin.size ?? same.find(pin => pin.size !== null)?.size ?? null;
    const tree = treeIn([each.pin, ...same]);
    return { ...each, pin: { ...each.pin, ...tree, size } };
  });
}

/** What one of several pins of one file says of its tree. */
export function treeIn(pins: readonly WheelPin[]): Pick<WheelPin, 'unpacked' | 'leftOut'> {
  const { unpacked, leftOut } = pins.find(pin => pin.unpacked !== undefined) ?? {};
  return unpacked === undefined ? {} : { unpacked, ...(leftOut === undefined ? {} : { leftOut }) };
}

/** Names that stand for different files in one lock: harmless, but worth knowing. */
export function sharedNames(pinned: readonly Pinned[]): string[] {
  const byName = Map.groupBy(pinned, ({ pin }) => fileNameOf(pin.url));
  return [...byName].flatMap(([file, all]) => {
    const hashes = new Map(all.map(({ pin }) => [pin.hash, pin.source]));
    return hashes.size > 1
      ? [`${file} is ${hashes.size} different files: ${[...hashes.values()].join(', ')}.`]
      : [];
  });
}
