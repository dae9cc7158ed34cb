import { packageName } from '../../../image/split.ts';
import { isOfTargets } from '../../../nix/recipe-layers.ts';
import type { DerivationOutput, RecipeLayer } from '../../../nix/types.ts';
import type { BuildRecord, ForecastBytes } from '../../../record/types.ts';
import type { KnownImage } from '../../../registry/reuse.ts';

/** What was last time, by which sizes are estimated. */
export interface LastTime {
  /** Of the image before; undefined where there is none. */
  record: BuildRecord | undefined;
  /** Images, the newest first. */
  images: readonly KnownImage[];
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

/** Bytes that sending a layer takes: what it had last time. Of one of several targets those of `missing`. */
export function sizeToSend(
  layer: RecipeLayer,
  missing: readonly DerivationOutput[],
  { record, images }: LastTime,
): ForecastBytes {
  if (isOfTargets(layer))
    return sumOfBytes(missing.map(each => estimated(sizeOfTarget(each, images))));
  return sizeOfLayer(layer.name, record);
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

/** What a target of the same name took last time, in blobs of its own. */
function sizeOfTarget({ outPath }: DerivationOutput, images: readonly KnownImage[]) {
  const name = packageName(outPath);
  const same = images
    .flatMap(({ outputs }) => outputs)
    .find(output => output.blobs.length > 0 && packageName(output.outPath) === name);
  return same?.blobs.reduce((sum, { size }) => sum + size, 0);
}
