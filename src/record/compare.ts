import { isMade } from './sums.ts';
import type { BuildRecord, LayerRecord } from './types.ts';

/** A number then and now. */
interface Change {
  /** Undefined where it was not there, or is not known. */
  before: number | undefined;
  now: number;
  /** So small a difference that it means nothing: to be told as "as before". */
  asBefore: boolean;
}

/** A layer then and now. */
interface LayerChange {
  name: string;
  /** Seconds that making it took when it was last made then, and now; absent where this run has not made it. */
  making?: Change;
  /** Bytes as stored; absent where it is not part of this image. */
  size?: Change;
  /** Whether this image has a blob in it that the one before had not. */
  isChanged: boolean;
}

/** A package that one of two images has, or both in another version. */
interface PackageChange {
  name: string;
  /** The layer that has it now, or had it; of one that has moved, where it is now. */
  layer: string;
  /** Its version before; absent where it was not there. Several versions are divided by commas. */
  from?: string;
  /** Its version now; absent where it is not there any more. */
  to?: string;
}

/** What is otherwise than in the run before. */
export interface Comparison {
  /** The whole run. */
  seconds: Change;
  /** The whole image, bytes as stored; absent where one of the runs has none. */
  size?: Change;
  /** Layers that this run has, in its order. */
  layers: LayerChange[];
  /** Layers that only the run before had. */
  removedLayers: string[];
  packages: { added: PackageChange[]; removed: PackageChange[]; updated: PackageChange[] };
  /** Bytes that a host pulls which has the image before; absent where one of the runs has no image. */
  pullBytes?: number;
}

/** What run times differ by from run to run: less of either is noise. */
const noise = { share: 0.1, seconds: 5 };

/** Sizes do not vary by themselves; still less than this is not worth a word. */
const littleSize = { share: 0.01, bytes: 1_000_000 };

/** Compares a run with one before it, of the same image. */
export function compareRecords(before: BuildRecord, now: BuildRecord): Comparison {
  const layersBefore = new Map(before.layers.map(layer => [layer.name, layer]));
  const blobsBefore = new Set(before.layers.flatMap(layer => layer.blobs.map(digestOf)));
  const names = new Set(now.layers.map(({ name }) => name));
  const areImages = isWhole(before) && isWhole(now);
  return {
    seconds: timeChange(before.seconds, now.seconds),
    ...(areImages ? { size: sizeChange(sizeOf(before.layers), sizeOf(now.layers)) } : {}),
    layers: now.layers.map(layer => layerChange(layersBefore.get(layer.name), layer, blobsBefore)),
    removedLayers: before.layers.map(({ name }) => name).filter(name => !names.has(name)),
    packages: comparePackages(before.layers, now.layers),
    ...(areImages ? { pullBytes: bytesToPull(now, blobsBefore) } : {}),
  };
}

const digestOf = ({ digest }: { digest: string }) => digest;

const isWhole = ({ outcome, image }: BuildRecord) =>
  outcome === 'success' && image?.digest !== undefined;

const sizeOf = (layers: readonly Pick<LayerRecord, 'blobs'>[]) =>
  layers.flatMap(({ blobs }) => blobs).reduce((sum, { size }) => sum + size, 0);

function layerChange(
  before: LayerRecord | undefined,
  layer: LayerRecord,
  blobsBefore: ReadonlySet<string>,
): LayerChange {
  const { name, blobs, makingSeconds } = layer;
  const sizeBefore = before && before.blobs.length > 0 ? sizeOf([before]) : undefined;
  return {
    name,
    ...(isMade(layer) && makingSeconds !== undefined
      ? { making: timeChange(before?.makingSeconds, makingSeconds) }
      : {}),
    ...(blobs.length > 0 ? { size: sizeChange(sizeBefore, sizeOf([layer])) } : {}),
    isChanged: blobs.some(({ digest }) => !blobsBefore.has(digest)),
  };
}

function timeChange(before: number | undefined, now: number): Change {
  if (before === undefined) return { before, now, asBefore: false };
  const difference = Math.abs(now - before);
  const asBefore = difference < noise.seconds || difference < before * noise.share;
  return { before, now, asBefore };
}

function sizeChange(before: number | undefined, now: number): Change {
  if (before === undefined) return { before, now, asBefore: false };
  const difference = Math.abs(now - before);
  return {
    before,
    now,
    asBefore: difference < littleSize.bytes || difference < before * littleSize.share,
  };
}

/** A host has the blobs of the image before; each of the others is pulled once. */
function bytesToPull({ layers }: BuildRecord, blobsBefore: ReadonlySet<string>): number {
  const pulled = new Map(
    layers.flatMap(({ blobs }) => blobs.map(({ digest, size }) => [digest, size] as const)),
  );
  let bytes = 0;
  for (const [digest, size] of pulled) if (!blobsBefore.has(digest)) bytes += size;
  return bytes;
}

/** A package by name, with all versions that an image has of it, divided by commas. */
type Versions = Map<string, { layer: string; versions: string }>;

/** Layers of which it is not known what they hold are left out of both sides. */
function comparePackages(
  before: readonly LayerRecord[],
  now: readonly LayerRecord[],
): Comparison['packages'] {
  const isUnknown = ({ packages }: LayerRecord) => packages === undefined;
  const unknown = new Set([...before, ...now].filter(isUnknown).map(({ name }) => name));
  const isKnown = ({ name }: LayerRecord) => !unknown.has(name);
  const [then, today] = [versionsIn(before.filter(isKnown)), versionsIn(now.filter(isKnown))];
  const changes: Comparison['packages'] = { added: [], removed: [], updated: [] };
  for (const [name, { layer, versions }] of today) {
    const from = then.get(name)?.versions;
    if (from === undefined) changes.added.push({ name, layer, to: versions });
    else if (from !== versions) changes.updated.push({ name, layer, from, to: versions });
  }
  for (const [name, { layer, versions }] of then) {
    if (!today.has(name)) changes.removed.push({ name, layer, from: versions });
  }
  for (const list of Object.values(changes)) list.sort(byName);
  return changes;
}

const byName = (one: PackageChange, other: PackageChange) => (one.name < other.name ? -1 : 1);

function versionsIn(layers: readonly LayerRecord[]): Versions {
  const all = new Map<string, { layer: string; versions: Set<string> }>();
  for (const { name: layer, packages = [] } of layers) {
    for (const { name, version } of packages) {
      const known = all.get(name) ?? { layer, versions: new Set() };
      known.versions.add(version);
      all.set(name, known);
    }
  }
  return new Map(
    [...all].map(([name, { layer, versions }]) => [
      name,
      { layer, versions: [...versions].sort().join(', ') },
    ]),
  );
}
