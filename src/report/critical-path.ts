import type { Stretch } from './lanes.ts';

/** Work for a layer, or for none. */
export interface LayerStretch extends Stretch {
  layer?: string;
}

/** Seconds by which what comes next may begin before what it waited for has ended: clocks of two events. */
const tolerance = 0.05;

/** Seconds within which the same layer's work is taken for what was waited for, whatever else ended then. */
const near = 1;

/**
 * The work that a run's length is made of, the earliest first: of the last to end, what ended last before
 * that began, and so on. What goes on beside it could take longer without delaying the end.
 */
export function criticalPath<Work extends LayerStretch>(works: readonly Work[]): Work[] {
  const byEnd = works.toSorted((one, other) => endOf(other) - endOf(one));
  const path: Work[] = [];
  let at = 0;
  while (at < byEnd.length) {
    const next = path.at(-1);
    const until = next === undefined ? Number.POSITIVE_INFINITY : next.start + tolerance;
    at = byEnd.findIndex((work, index) => index >= at && endOf(work) <= until);
    if (at < 0) break;
    const found = preferred(byEnd, at, next?.layer);
    path.push(found);
    at = byEnd.indexOf(found, at) + 1;
  }
  return path.reverse();
}

/** What ended last, or what ended little before it for the same layer; `byEnd` from the last to end on. */
function preferred<Work extends LayerStretch>(
  byEnd: readonly Work[],
  from: number,
  layer: string | undefined,
): Work {
  const last = byEnd[from] as Work;
  for (let at = from; at < byEnd.length; at += 1) {
    const work = byEnd[at] as Work;
    if (endOf(work) < endOf(last) - near) break;
    if (work.layer === layer) return work;
  }
  return last;
}

const endOf = ({ start, seconds }: Stretch): number => start + seconds;

/** The share of a path from which on a layer counts as a part of it: less could not make the run shorter. */
const worthNaming = 0.05;

/** The layers that the path is mostly made of. */
export function criticalLayers(works: readonly LayerStretch[]): Set<string> {
  const path = criticalPath(works);
  const length = path.reduce((sum, { seconds }) => sum + seconds, 0);
  const sums = new Map<string, number>();
  for (const { layer, seconds } of path) {
    if (layer !== undefined) sums.set(layer, (sums.get(layer) ?? 0) + seconds);
  }
  const named = [...sums].filter(([, seconds]) => seconds >= worthNaming * length);
  return new Set(named.map(([layer]) => layer));
}
