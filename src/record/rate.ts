/** How fast something gets on that is told by its totals. Times are milliseconds. */
export interface Rate {
  take(total: number, at: number): void;
  /** Seconds until `expected` is reached; undefined while that cannot be known. */
  left(expected: number, now: number): number | undefined;
}

/** What is looked back on, how much of it there has to be, and how far apart the points of it are. */
const longest = 30_000;
const shortest = 5_000;
const step = 1_000;

/** A rate of the last half minute, in a bounded number of points. */
export function measureRate(): Rate {
  let points: { total: number; at: number }[] = [];
  let last: { total: number; at: number } | undefined;
  return {
    take(total, at) {
      last = { total, at };
      const newest = points.at(-1);
      if (newest !== undefined && at - newest.at < step) return;
      points = [...points.filter(point => at - point.at <= longest), last];
    },
    left(expected, now) {
      const [first] = points;
      if (first === undefined || last === undefined || now - first.at < shortest) return undefined;
      const perMillisecond = (last.total - first.total) / (now - first.at);
      const more = Math.max(0, expected - last.total);
      return perMillisecond > 0 ? more / perMillisecond / 1000 : undefined;
    },
  };
}
