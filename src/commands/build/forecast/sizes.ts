import { packageName } from '../../../image/split.ts';
import { isOfTargets } from '../../../nix/recipe-layers.ts';
import type { DerivationOutput, RecipeLayer } from '../../../nix/types.ts';
import type { BuildRecord, ForecastBytes } from '../../../record/types.ts';
import type { KnownBlob } from '../../../registry/remembered.ts';
import type { KnownImage } from '../../../registry/reuse.ts';

/** What was last time, by which sizes are estimated. */
export interface LastTime {
  /** Of the image before; undefined where there is none. */
  record: BuildRecord | undefined;
  /** Images, the newest first. */
  images: readonly KnownImage[];
  /** Whether what the image is made from now still makes this store path. */
  isMade(path: string): boolean;
}

/** Bytes of which nothing is to be said. */
export const noBytes: ForecastBytes = { bytes: 0, estimated: false, atLeast: false };

export const sumOfBytes = (parts: readonly ForecastBytes[]): ForecastBytes =>
  parts.reduce(
    (sum, part) => ({
      bytes: sum.bytes + part.bytes,
      estimated: sum.estimated || part.estimated,
      atLeast: sum.atLeast || part.atLeast,
    }),
    noBytes,
  );

/** Bytes that sending a layer takes, of whose targets these are missing: of blobs of last time those that changed. */
export function sizeToSend(
  layer: RecipeLayer,
  missing: readonly DerivationOutput[],
  last: LastTime,
): ForecastBytes {
  const found = missing.map(({ outPath }) => changedBlobs(outPath, last));
  if (!isOfTargets(layer) && !found[0]) return sizeOfLayer(layer.name, last.record);
  // targets may share one
  const blobs = new Map(found.flatMap(each => each?.blobs ?? []).map(blob => [blob.digest, blob]));
  return {
    bytes: [...blobs.values()].reduce((sum, { size }) => sum + size, 0),
    estimated: blobs.size > 0,
    atLeast: found.some(each => each === undefined || each.mayHoldMore),
  };
}

/** Bytes that a layer had last time, as stored. */
export const sizeOfLayer = (name: string, record: BuildRecord | undefined): ForecastBytes =>
  estimated(lastSize(name, record, 'size'));

/** Bytes that a layer had last time; undefined where it had none. */
export function lastSize(
  name: string,
  record: BuildRecord | undefined,
  size: 'size' | 'uncompressedSize',
): number | undefined {
  const blobs = record?.layers.find(layer => layer.name === name)?.blobs ?? [];
  return blobs.length === 0 ? undefined : blobs.reduce((sum, blob) => sum + blob[size], 0);
}

const estimated = (bytes: number | undefined): ForecastBytes =>
  bytes === undefined
    ? { bytes: 0, estimated: false, atLeast: true }
    : { bytes, estimated: true, atLeast: false };

/** Blobs that will be others than last time, and whether more of the target's may be: new paths go anywhere. */
interface ChangedBlobs {
  blobs: readonly KnownBlob[];
  mayHoldMore: boolean;
}

/** Of the blobs that a target of the same name had last time; undefined where there was none. */
function changedBlobs(
  outPath: string,
  { images, isMade }: Pick<LastTime, 'images' | 'isMade'>,
): ChangedBlobs | undefined {
  const before = blobsBefore(packageName(outPath), images);
  if (before === undefined) return undefined;
  const isSame = before.outPath === outPath; // its blobs are gone
  const blobs = before.blobs.filter(({ paths }) => isSame || !paths.every(isMade));
  return { blobs, mayHoldMore: blobs.length < before.blobs.length };
}

/** Of the newest image with a target of that name: blobs of its own, else that which it shares with others. */
function blobsBefore(name: string, images: readonly KnownImage[]) {
  for (const { outputs, blobs } of images) {
    const same = outputs.filter(({ outPath }) => packageName(outPath) === name);
    const own = same.find(output => output.blobs.length > 0);
    if (own) return own;
    const carried = new Set(outputs.flatMap(output => output.blobs.map(({ digest }) => digest)));
    const shared = blobs.filter(({ digest }) => !carried.has(digest));
    for (const { outPath } of same) {
      const blob = shared.find(({ paths }) => paths.includes(outPath));
      if (blob) return { outPath, blobs: [blob] };
    }
  }
  return undefined;
}
