/** A stretch of time, in seconds. */
export interface Stretch {
  start: number;
  seconds: number;
}

/**
 * Puts stretches of time into lanes, so that no two in one lane overlap: the lane of each, counted from 0.
 * There are as many lanes as stretches go on at the same time at most.
 */
export function packLanes(stretches: readonly Stretch[]): number[] {
  const order = stretches.map((_, at) => at).sort((a, b) => byStart(stretches[a], stretches[b]));
  const lanes: number[] = new Array(stretches.length).fill(0);
  /** Where each lane is free from. */
  const free: number[] = [];
  for (const at of order) {
    const { start, seconds } = stretches[at] ?? { start: 0, seconds: 0 };
    const found = free.findIndex(end => end <= start);
    const lane = found < 0 ? free.length : found;
    free[lane] = start + seconds;
    lanes[at] = lane;
  }
  return lanes;
}

/** The earlier first; of two that begin together the longer. */
const byStart = (one: Stretch | undefined, other: Stretch | undefined): number =>
  one === undefined || other === undefined
    ? 0
    : one.start - other.start || other.seconds - one.seconds;
