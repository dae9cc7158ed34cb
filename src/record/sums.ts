import type { BuildRecord, LayerRecord } from './types.ts';

/** The numbers of the sentence that says what a run did. */
export interface RunSums {
  /** Layers of the image; those that nobody needed do not count. */
  layers: number;
  reused: number;
  /** Layers that this run has made. */
  made: { name: string; seconds: number }[];
  failed: string[];
  cancelled: string[];
  sentBytes: number;
  /** Of the whole image, as stored; undefined where there is none. */
  imageBytes: number | undefined;
  movedTags: number;
  /** Seconds less than making all of it; undefined where that is not known. */
  savedSeconds: number | undefined;
}

/** Whether a run has made a layer: it took its targets from wherever they were, and packed them. */
export const isMade = ({ origin }: Pick<LayerRecord, 'origin'>): boolean =>
  ['built', 'substituted', 'local'].includes(origin);

/** Sums a record up. */
export function sumUp({ layers, image, sentBytes, savedSeconds }: BuildRecord): RunSums {
  const named = (origin: LayerRecord['origin']) =>
    layers.filter(layer => layer.origin === origin).map(({ name }) => name);
  const made = layers.filter(isMade);
  return {
    layers: layers.filter(({ origin }) => origin !== 'skipped').length,
    reused: named('reused').length,
    made: made.map(({ name, seconds }) => ({ name, seconds })),
    failed: named('failed'),
    cancelled: named('cancelled'),
    sentBytes,
    imageBytes: image?.digest === undefined ? undefined : image.size,
    movedTags: image?.movedTags.length ?? 0,
    savedSeconds,
  };
}
