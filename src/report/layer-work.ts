import type { BuildRecord, LayerRecord, Span } from '../record/types.ts';
import { criticalLayers } from './critical-path.ts';
import type { Stretch } from './lanes.ts';

/** When something was done for a layer: from the first to the last; seconds from the run's start. */
export interface LayerWork extends Stretch {
  layer: LayerRecord;
  /** Whether the run's length is made of it. */
  isCritical: boolean;
}

/** Work that goes on around that of the layers, or is a part of other work. */
const around: readonly Span['kind'][] = ['nix', 'compress', 'wait'];

/** The layers for which something was done, in the image's order; `layer.seconds` leaves out pauses. */
export function layerWork({ layers, spans }: BuildRecord): LayerWork[] {
  const ofLayer = Map.groupBy(spans, ({ layer }) => layer);
  const critical = criticalLayers(spans.filter(isOwn));
  return layers
    .filter(({ seconds }) => seconds > 0)
    .flatMap(layer => {
      const stretch = whole(ofLayer.get(layer.name) ?? []);
      return stretch === undefined
        ? []
        : [{ layer, ...stretch, isCritical: critical.has(layer.name) }];
    });
}

const isOwn = ({ kind }: Span): boolean => !around.includes(kind);

/** From the first start to the last end; undefined where there is none. */
function whole(stretches: readonly Stretch[]): Stretch | undefined {
  if (stretches.length === 0) return undefined;
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const { start, seconds } of stretches) {
    from = Math.min(from, start);
    to = Math.max(to, start + seconds);
  }
  return { start: from, seconds: to - from };
}
