import type { NixEvent } from '../../nix/types.ts';

/** What one run of Nix has downloaded, and expects to. */
interface Downloaded {
  done: number;
  expected: number;
}

/**
 * Sums downloads up over all runs of Nix: each process counts from nothing. What this returns makes, for
 * one run, the run's own sums those of all; other events stay as they are.
 */
export function sumDownloads(): () => (event: NixEvent) => NixEvent {
  const runs: Downloaded[] = [];
  const sum = (of: keyof Downloaded) => runs.reduce((all, run) => all + run[of], 0);
  return () => {
    let process: Downloaded = { done: 0, expected: 0 };
    runs.push(process);
    return event => {
      if (event.type !== 'download') return event;
      const { done, expected } = event;
      // a run that begins again, without a cache that has failed, has another process
      if (done < process.done) {
        process = { done: 0, expected: 0 };
        runs.push(process);
      }
      Object.assign(process, { done, expected });
      return { ...event, done: sum('done'), expected: sum('expected') };
    };
  };
}
