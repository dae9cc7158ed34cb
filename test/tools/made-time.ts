/** A clock that goes on when all who use it wait, to the time at which the first of them is done. */
export interface MadeTime {
  now(): number;
  /** Waits; nobody's real time passes. */
  sleep(ms: number): Promise<void>;
  /** Works that wait by this clock alone, side by side, until all are over. */
  run(works: readonly (() => Promise<void>)[]): Promise<void>;
}

/** Begins at 0. */
export function madeTime(): MadeTime {
  let now = 0;
  let running = 0;
  const waiting: { at: number; go: () => void }[] = [];
  /** Each work waits for one thing at a time, so that all of them wait when there are as many. */
  const advance = () => {
    if (running === 0 || waiting.length < running) return;
    waiting.sort((one, other) => one.at - other.at);
    const next = waiting.shift();
    now = next?.at ?? now;
    next?.go();
  };
  return {
    now: () => now,
    sleep: ms =>
      new Promise(go => {
        waiting.push({ at: now + ms, go });
        advance();
      }),
    run: async works => {
      running = works.length;
      const settled = await Promise.allSettled(
        works.map(work =>
          work().finally(() => {
            running -= 1;
            advance();
          }),
        ),
      );
      for (const each of settled) if (each.status === 'rejected') throw each.reason;
    },
  };
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
