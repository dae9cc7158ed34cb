import type { Stretch } from './lanes.ts';

/** Work for a layer, or for none. */
export interface LayerStretch extends Stretch {
  layer?: string;
}

/** Seconds by which what comes next may begin before what it waited for has ended: clocks of two events. */
const tolerance = 0.05;

/** Within so many seconds, or such a share of the run, the same layer's work is taken for what was waited for. */
const near = { seconds: 1, share: 0.02 };

/**
 * The work that a run's length is made of, the earliest first: of the last to end, what ended last before
 * that began, and so on. What goes on beside it could take longer without delaying the end.
 */
export function criticalPath<Work extends LayerStretch>(works: readonly Work[]): Work[] {
  const byEnd = works.toSorted((one, other) => endOf(other) - endOf(one));
  const [last] = byEnd;
  const slack = Math.min(near.seconds, near.share * (last === undefined ? 0 : endOf(last)));
  const path: Work[] = [];
  for (let at = 0; at < byEnd.length; at += 1) {
    const next = path.at(-1);
    if (next !== undefined && endOf(byEnd[at] as Work) > next.start + tolerance) continue;
    const chosen = next?.layer === undefined ? at : preferred(byEnd, at, next.layer, slack);
    path.push(byEnd[chosen] as Work);
    at = chosen;
  }
  return path.reverse();
}

/** Where what ended last is, or what ended little before it for the same layer; `byEnd` is in the order of ends. */
function preferred(
  byEnd: readonly LayerStretch[],
  from: number,
  layer: string,
  slack: number,
): number {
  const last = endOf(byEnd[from] as LayerStretch);
  for (let at = from; at < byEnd.length; at += 1) {
    const work = byEnd[at] as LayerStretch;
    if (endOf(work) < last - slack) break;
    if (work.layer === layer) return at;
  }
  return from;
}

const endOf = ({ start, seconds }: Stretch): number => start + seconds;

/** The share of all layers' time on the path from which on a layer counts as a part of it: less makes no run shorter. */
const worthNaming = 0.05;

/** The layers that the path is mostly made of. */
export function criticalLayers(works: readonly LayerStretch[]): Set<string> {
  const sums = new Map<string, number>();
  for (const { layer, seconds } of criticalPath(works)) {
    if (layer !== undefined) sums.set(layer, (sums.get(layer) ?? 0) + seconds);
  }
  const length = [...sums.values()].reduce((sum, seconds) => sum + seconds, 0);
  const named = [...sums].filter(([, seconds]) => seconds >= worthNaming * length);
  return new Set(named.map(([layer]) => layer));
}
