import { isOfTargets } from '../../../nix/recipe-layers.ts';
import type { DerivationOutput, RecipeLayer } from '../../../nix/types.ts';
import type { BuildRecord, ForecastBytes } from '../../../record/types.ts';
import type { KnownBlob } from '../../../registry/remembered.ts';
import type { KnownImage } from '../../../registry/reuse.ts';
import { storeName } from '../../../report/units.ts';

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

/** Of the blobs that targets of the same name had last time; undefined where there was none. */
function changedBlobs(
  outPath: string,
  { images, isMade }: Pick<LastTime, 'images' | 'isMade'>,
): ChangedBlobs | undefined {
  for (const image of images) {
    const same = image.outputs.filter(each => unversioned(each.outPath) === unversioned(outPath));
    const itself = same.filter(each => each.outPath === outPath);
    const before = blobsOf(itself.length > 0 ? itself : same, image);
    if (before.length === 0) continue;
    // where it is the target itself, its blobs are gone
    const blobs = before.filter(({ paths }) => itself.length > 0 || !paths.every(isMade));
    return { blobs, mayHoldMore: blobs.length < before.length };
  }
  return undefined;
}

/** Blobs of outputs' own, and those which they share with others. */
function blobsOf(outputs: KnownImage['outputs'], image: KnownImage): KnownBlob[] {
  const carried = new Set(image.outputs.flatMap(each => each.blobs.map(({ digest }) => digest)));
  const shared = image.blobs.filter(({ digest }) => !carried.has(digest));
  return outputs.flatMap(({ outPath, blobs }) =>
    blobs.length > 0 ? blobs : shared.filter(({ paths }) => paths.includes(outPath)),
  );
}

/** "/nix/store/…-python3-3.13.1-env" is "python3-env". */
const unversioned = (path: string) => storeName(path).replace(/-\d[^-]*/g, '');
