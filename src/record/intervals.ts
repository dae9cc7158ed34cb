/** Measures how long at least one of several overlapping activities ran. */
export interface BusyTime {
  /** An activity begins; beginning again what runs already changes nothing. */
  begin(activity: string | number, at: number): void;
  /** It ends; ending what does not run changes nothing. */
  end(activity: string | number, at: number): void;
  /** The union of all intervals until `now`; same unit as the times given. */
  total(now: number): number;
}

/** The union of intervals, kept while they open and close: memory for the running ones only. */
export function busyTime(): BusyTime {
  const running = new Set<string | number>();
  let closed = 0;
  let openedAt = 0;
  return {
    begin(activity, at) {
      if (running.size === 0) openedAt = at;
      running.add(activity);
    },
    end(activity, at) {
      if (running.delete(activity) && running.size === 0) closed += Math.max(0, at - openedAt);
    },
    total: now => closed + (running.size === 0 ? 0 : Math.max(0, now - openedAt)),
  };
}

/** Seconds in which at least one of the spans went on. */
export function unionSeconds(spans: readonly { start: number; seconds: number }[]): number {
  let sum = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { start, seconds } of [...spans].sort((one, other) => one.start - other.start)) {
    const end = start + seconds;
    sum += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return sum;
}
