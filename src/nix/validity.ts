import { setTimeout as pause } from 'node:timers/promises';
import { isNamed } from '../host/presence.ts';
import type { EventReader } from './events.ts';
import { queryValid } from './store.ts';
import { fileOf } from './store-place.ts';
import type { DerivationOutput, Nix, NixEvent } from './types.ts';

/** Milliseconds between two questions to the store. */
const interval = 50;

/** Finds out which outputs have become valid while Nix is at work. */
export interface ValidityWatch {
  /** Says that something may have become valid. Returns at once. */
  look(): void;
  /**
   * Ends, and gives the outputs that are valid: all of them, where Nix has said so itself, else the
   * store is asked a last time; rejects when it cannot be.
   */
  finish(allValid: boolean): Promise<ReadonlySet<string>>;
}

/**
 * Emits `output-valid` once for each of the outputs, as soon as it is valid, and `build-end` for its
 * build, where Nix has not reported that (2.8 holds back those of the wanted derivations). Those in
 * `valid` are so from the start. The store is asked by one process at a time, and only for paths that
 * exist on the disk, so that a long substitution or build costs nothing.
 */
export function watchValidity(
  nix: Nix,
  outputs: readonly DerivationOutput[],
  valid: ReadonlySet<string>,
  reader: EventReader,
  tell: (event: NixEvent) => void,
): ValidityWatch {
  const pending = new Set(outputs.map(({ outPath }) => outPath));
  const wanted = new Set(pending);
  const ending = new AbortController();
  let due = false;
  let looking: Promise<void> | undefined;

  const learn = (outPaths: Iterable<string>, at: number) => {
    for (const outPath of outPaths) {
      if (!pending.delete(outPath)) continue;
      const makers = outputs.filter(output => output.outPath === outPath);
      const ended = makers.flatMap(({ drvPath }) => reader.succeeded(drvPath, at));
      for (const event of ended) tell(event);
      tell({ type: 'output-valid', outPath, at });
    }
  };

  const ask = async () => {
    const at = nix.host.clock();
    learn(await queryValid(nix, await existing([...pending], nix)), at);
  };

  const loop = async () => {
    while (due && !ending.signal.aborted) {
      due = false;
      await ask();
      // cut short when the watch ends
      await pause(interval, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };

  learn(valid, nix.host.clock());
  return {
    look: () => {
      due = true;
      looking ??= loop()
        .catch(() => undefined) // a question lost is asked again; the last one reports
        .finally(() => {
          looking = undefined;
        });
    },
    finish: async allValid => {
      ending.abort();
      await looking;
      if (allValid) learn(wanted, nix.host.clock());
      else await ask();
      return wanted.difference(pending);
    },
  };
}

async function existing(paths: readonly string[], nix: Nix): Promise<string[]> {
  const there = await Promise.all(paths.map(path => isNamed(fileOf(path, nix))));
  return paths.filter((_, index) => there[index]);
}
