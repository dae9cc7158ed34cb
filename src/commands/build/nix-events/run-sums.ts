import type { Count } from '../../../host/events.ts';
import type { NixEvent } from '../../../nix/types.ts';

type Sums = Record<'bytes' | 'built' | 'fetched', Count>;

/**
 * Adds up what several runs of Nix tell as sums of their own. Each call is for one more run, and gives
 * what turns its events into those of all runs.
 */
export function sumsOfRuns(): () => (event: NixEvent) => NixEvent {
  const runs: Sums[] = [];
  const total = (of: keyof Sums): Count => ({
    done: runs.reduce((sum, run) => sum + run[of].done, 0),
    expected: runs.reduce((sum, run) => sum + run[of].expected, 0),
  });
  const begin = (): Sums => {
    const run = { bytes: none, built: none, fetched: none };
    runs.push(run);
    return run;
  };
  return () => {
    let run = begin();
    const set = (sums: Partial<Sums>): void => {
      const isOfAnother = (Object.keys(sums) as (keyof Sums)[]).some(
        of => (sums[of]?.done ?? 0) < run[of].done,
      );
      // a run that begins again, without a cache that has failed, has another process
      if (isOfAnother) run = begin();
      Object.assign(run, sums);
    };
    return event => {
      if (event.type === 'download') {
        set({ bytes: { done: event.done, expected: event.expected } });
        return { ...event, ...total('bytes') };
      }
      if (event.type !== 'counts') return event;
      set({ built: event.built, fetched: event.fetched });
      return { ...event, built: total('built'), fetched: total('fetched') };
    };
  };
}

const none: Count = { done: 0, expected: 0 };
