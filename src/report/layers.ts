import type { Phase } from '../host/events.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';

/** What a report shows of a layer: the bytes of its blobs as stored, and of those that were sent. */
export function layerSums(layer: LayerRecord): { size: number; sent: number } {
  const sums = { size: 0, sent: 0 };
  for (const blob of layer.blobs) {
    sums.size += blob.size;
    if (blob.transfer === 'uploaded') sums.sent += blob.size;
  }
  return sums;
}

/** Whether a layer is a part of the image: what is skipped is none. */
export const isShipped = ({ origin }: LayerRecord): boolean => origin !== 'skipped';

/** The origin of a layer, and how many of its targets were reused where that is not all or none. */
export function layerOrigin({ origin, targets }: LayerRecord): string {
  if (targets === undefined || targets.reused === 0 || targets.reused === targets.all)
    return origin;
  return `${origin}, ${targets.reused} of ${targets.all} reused`;
}

/** Whether there is an image, and nothing was built or sent for any of its layers. */
export function isAllReused({ layers, outcome }: BuildRecord): boolean {
  const shipped = layers.filter(isShipped);
  const areReused = shipped.every(({ origin }) => origin === 'reused');
  return outcome === 'success' && shipped.length > 0 && areReused;
}

/** Bytes of all layers as stored. */
export function storedSize(record: BuildRecord): number {
  return record.layers.reduce((sum, layer) => sum + layerSums(layer).size, 0);
}

/** The output `layers`: one object a layer, sizes in bytes as stored. */
export function layersOutput(record: BuildRecord) {
  return record.layers.map(layer => {
    const { size, sent } = layerSums(layer);
    return { name: layer.name, origin: layer.origin, seconds: layer.seconds, size, sent };
  });
}

/** The output `timings`: seconds of each phase, and of the whole run. */
export function timingsOutput(record: BuildRecord): Partial<Record<Phase | 'total', number>> {
  const timings: Partial<Record<Phase | 'total', number>> = {};
  for (const { phase, seconds } of record.phases) {
    timings[phase] = Math.round(((timings[phase] ?? 0) + seconds) * 1000) / 1000;
  }
  return { ...timings, total: record.seconds };
}

/** The sentence on zstd that everyone who pulls needs to know; undefined without zstd layers. */
export function pullNote(record: BuildRecord): string | undefined {
  const zstd = record.layers.some(layer =>
    layer.blobs.some(each => each.mediaType.endsWith('+zstd')),
  );
  return zstd
    ? 'Its layers are zstd: pulling needs Docker 23 or newer, containerd 1.5, podman 4. ' +
        'For older ones set `compression: gzip`.'
    : undefined;
}

/** What the image is called by its digest; undefined where none was pushed. */
export function imageReference(record: BuildRecord): string | undefined {
  const { repository, digest } = record.image ?? {};
  return digest === undefined ? undefined : `${repository}@${digest}`;
}
