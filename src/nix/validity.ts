import { setTimeout as pause } from 'node:timers/promises';
import { isNamed } from '../host/presence.ts';
import { readDerivationNode } from './derivation.ts';
import type { EventReader } from './events.ts';
import { queryValid } from './store.ts';
import { fileOf } from './store-place.ts';
import type { Nix, NixEvent } from './types.ts';

/** Milliseconds between two questions to the store. */
const interval = 50;

/** Finds out which outputs have become valid while Nix is at work. */
export interface ValidityWatch {
  /** Says that something may have become valid. Returns at once. */
  look(): void;
  /** Looks a last time and ends; rejects when the store cannot be asked. */
  finish(): Promise<void>;
}

/**
 * Emits `output-valid` once for each of `outPaths`, as soon as it is valid, and `build-end` for builds
 * whose end Nix has not reported (2.8 holds it back). The store is asked by one process at a time, and
 * only for paths that exist on the disk, so that a long substitution costs nothing.
 */
export function watchValidity(
  nix: Nix,
  outPaths: Iterable<string>,
  reader: EventReader,
  tell: (event: NixEvent) => void,
): ValidityWatch {
  const pending = new Set(outPaths);
  const outputsOf = outputsReader(nix.place);
  const ending = new AbortController();
  let due = false;
  let looking: Promise<void> | undefined;

  const ask = async () => {
    const at = nix.host.clock();
    const building = reader.running().map(drvPath => ({ drvPath, outputs: outputsOf(drvPath) }));
    const candidates = new Set([...pending, ...building.flatMap(({ outputs }) => outputs)]);
    const valid = await queryValid(nix, await existing([...candidates], nix));
    for (const { drvPath, outputs } of building) {
      if (outputs.length === 0 || !outputs.every(output => valid.has(output))) continue;
      for (const event of reader.succeeded(drvPath, at)) tell(event);
    }
    for (const outPath of valid) {
      if (pending.delete(outPath)) tell({ type: 'output-valid', outPath, at });
    }
  };

  const loop = async () => {
    while (due) {
      due = false;
      await ask();
      // cut short when the watch ends
      await pause(interval, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };

  return {
    look: () => {
      due = true;
      looking ??= loop()
        .catch(() => undefined) // a question lost is asked again; the last one reports
        .finally(() => {
          looking = undefined;
        });
    },
    finish: async () => {
      ending.abort();
      await looking;
      await ask();
    },
  };
}

/** Output paths of a derivation, each file read once; none where it cannot be read. */
function outputsReader(place?: string): (drvPath: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return drvPath => {
    const outputs = known.get(drvPath) ?? outputsIn(drvPath, place);
    known.set(drvPath, outputs);
    return outputs;
  };
}

function outputsIn(drvPath: string, place?: string): string[] {
  try {
    return [...readDerivationNode(drvPath, place).outputs.values()].filter(path => path !== '');
  } catch {
    return [];
  }
}

async function existing(paths: readonly string[], nix: Nix): Promise<string[]> {
  const there = await Promise.all(paths.map(path => isNamed(fileOf(path, nix))));
  return paths.filter((_, index) => there[index]);
}
