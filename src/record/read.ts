import * as v from 'valibot';
import { recordSchema } from './schema.ts';
import type { BuildRecord } from './types.ts';

/**
 * The record that a foreign value is; undefined where it is none. One of format 1 is read as far as it
 * goes: it tells nothing of time but phases and builds, and nothing of packages.
 */
export function readRecord(value: unknown): BuildRecord | undefined {
  const first = v.safeParse(oldSchema, value);
  const { success, output } = v.safeParse(
    recordSchema,
    first.success ? renewed(first.output) : value,
  );
  return success ? output : undefined;
}

const oldBlob = v.looseObject({
  transfer: v.string(),
  size: v.number(),
  uncompressedSize: v.number(),
});

/** What of format 1 is looked at to make format 2 of it. */
const oldSchema = v.looseObject({
  version: v.literal(1),
  layers: v.array(
    v.looseObject({
      origin: v.string(),
      seconds: v.number(),
      downloadBytes: v.number(),
      blobs: v.array(oldBlob),
    }),
  ),
  image: v.exactOptional(v.looseObject({})),
});
type OldRecord = v.InferOutput<typeof oldSchema>;

function renewed({ image, ...record }: OldRecord) {
  const layers = record.layers.map(renewedLayer);
  const sum = (bytes: 'downloadBytes' | 'packedBytes') =>
    layers.reduce((all, layer) => all + layer[bytes], 0);
  return {
    ...record,
    version: 2,
    node: '',
    spans: [],
    ...(image ? { image: { ...image, movedTags: [] } } : {}),
    layers,
    downloadBytes: sum('downloadBytes'),
    readBytes: sum('packedBytes'),
    packedBytes: sum('packedBytes'),
  };
}

function renewedLayer(layer: OldRecord['layers'][number]) {
  const sent = layer.blobs.filter(({ transfer }) => transfer === 'uploaded');
  const packedBytes = sent.reduce((sum, blob) => sum + blob.uncompressedSize, 0);
  const isMade = layer.origin === 'built' || layer.origin === 'substituted';
  return {
    ...layer,
    ...(isMade ? { makingSeconds: layer.seconds } : {}),
    packedBytes,
    readBytes: packedBytes,
    sentBytes: sent.reduce((sum, { size }) => sum + size, 0),
  };
}
