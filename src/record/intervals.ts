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
