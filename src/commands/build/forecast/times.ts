import type { DerivationGraph } from '../../../nix/derivation.ts';
import { unionSeconds } from '../../../record/intervals.ts';
import { splitName } from '../../../record/packages.ts';
import type { BuildRecord, Span } from '../../../record/types.ts';
import { storeName } from '../../../report/units.ts';

/** Seconds that building a derivation takes; undefined where that is not known. */
export type TimeOf = (drvPath: string) => number | undefined;

/**
 * The times that records tell, those of the newest first. Of a derivation that nobody has built that of its
 * name counts, and else that of another version.
 */
export function timesIn(records: readonly BuildRecord[]): TimeOf {
  const times = new Map<string, number>();
  const builds = records.flatMap(({ layers }) =>
    layers.flatMap(({ builtDerivations }) => builtDerivations.filter(({ ended }) => !ended)),
  );
  for (const nameOf of namesOf) {
    for (const { derivation, seconds } of builds) {
      const name = nameOf(derivation);
      if (!times.has(name)) times.set(name, seconds);
    }
  }
  return drvPath => {
    const known = namesOf.map(nameOf => nameOf(drvPath)).find(name => times.has(name));
    return known === undefined ? undefined : times.get(known);
  };
}

/** A store path has slashes, a derivation's name has none, and that of a package ends with one. */
const namesOf: readonly ((drvPath: string) => string)[] = [
  drvPath => drvPath,
  storeName,
  drvPath => `${splitName(storeName(drvPath)).name}/`,
];

/** Seconds of the longest chain of builds that wait for each other. `unknown`: what counts where none are known. */
export function longestChain(
  builds: ReadonlySet<string>,
  graph: DerivationGraph,
  timeOf: TimeOf,
  unknown: number,
): number {
  const chains = new Map<string, number>();
  const inputsOf = (drvPath: string) =>
    [...(graph.get(drvPath)?.inputDrvs.keys() ?? [])].filter(input => builds.has(input));
  for (const build of builds) {
    const pending = [build]; // chains are longer than a stack
    for (let next = pending.at(-1); next !== undefined; next = pending.at(-1)) {
      const inputs = inputsOf(next);
      const missing = inputs.filter(input => !chains.has(input));
      pending.push(...missing);
      if (missing.length > 0) continue;
      const before = inputs.map(input => chains.get(input) ?? 0);
      chains.set(next, Math.max(0, ...before) + (timeOf(next) ?? unknown));
      pending.pop();
    }
  }
  return Math.max(0, ...chains.values());
}

/** Bytes in a second. */
export interface Rates {
  fetch: number | undefined;
  send: number | undefined;
}

/** Less than this tells of no rate. */
const leastBytes = 1_000_000;

/** How fast the newest of the runs that fetched, and sent, something worth the word have done it. */
export function ratesIn(records: readonly BuildRecord[]): Rates {
  const first = (rateOf: (record: BuildRecord) => number | undefined) =>
    records.map(rateOf).find(rate => rate !== undefined);
  return {
    fetch: first(record => rate(record.downloadBytes, record.spans, 'substitute')),
    send: first(record => rate(record.sentBytes, record.spans, 'upload')),
  };
}

function rate(bytes: number, spans: readonly Span[], kind: Span['kind']): number | undefined {
  const seconds = unionSeconds(spans.filter(span => span.kind === kind));
  return bytes < leastBytes || seconds === 0 ? undefined : bytes / seconds;
}
