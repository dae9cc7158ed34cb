import type { Phase } from '../host/events.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';

/** What a report shows of a layer: sums over its blobs, in bytes. */
export interface LayerSums {
  size: number;
  uncompressedSize: number;
  sent: number;
}

export function layerSums(layer: LayerRecord): LayerSums {
  const sums = { size: 0, uncompressedSize: 0, sent: 0 };
  for (const blob of layer.blobs) {
    sums.size += blob.size;
    sums.uncompressedSize += blob.uncompressedSize;
    if (blob.transfer === 'uploaded') sums.sent += blob.size;
  }
  return sums;
}

/** Sums over all layers of a run. */
export function totals(record: BuildRecord): LayerSums {
  const all = record.layers.map(layerSums);
  const sum = (key: keyof LayerSums) => all.reduce((total, each) => total + each[key], 0);
  return {
    size: sum('size'),
    uncompressedSize: sum('uncompressedSize'),
    sent: sum('sent'),
  };
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
        'For older ones set compression: gzip.'
    : undefined;
}

/** What the image is called after the run, best first: by digest, else the repository. */
export function imageReference(record: BuildRecord): string | undefined {
  const { image } = record;
  if (image === undefined) return undefined;
  return image.digest === undefined ? image.repository : `${image.repository}@${image.digest}`;
}
