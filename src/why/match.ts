import { splitName } from '../record/packages.ts';
import type { KeptDerivation } from './kept.ts';

/** Derivations of two lists that stand for each other, and those that have none. */
export interface Matched {
  pairs: readonly (readonly [before: number, now: number])[];
  added: readonly number[];
  removed: readonly number[];
}

type Lookup = (place: number) => KeptDerivation;

/**
 * Matches what something was built from with what it is built from now: first what is the same, then what
 * has the same name, then what is the same package in another version. Of several that might be meant, those
 * that have most in common.
 */
export function matchInputs(
  before: readonly number[],
  now: readonly number[],
  then: Lookup,
  today: Lookup,
): Matched {
  const matching = { before: [...before], now: [...now], pairs: [] as [number, number][] };
  const keys: ((derivation: KeptDerivation) => string)[] = [
    ({ id }) => id,
    ({ name }) => name,
    ({ name }) => splitName(name).name,
  ];
  for (const key of keys) matchBy(key, matching, then, today);
  return { pairs: matching.pairs, added: matching.now, removed: matching.before };
}

/** Takes those out of both lists that have the same key. */
function matchBy(
  key: (derivation: KeptDerivation) => string,
  matching: { before: number[]; now: number[]; pairs: [number, number][] },
  then: Lookup,
  today: Lookup,
): void {
  const candidates = new Map<string, number[]>();
  for (const place of matching.before) {
    const of = key(then(place));
    candidates.set(of, [...(candidates.get(of) ?? []), place]);
  }
  matching.now = matching.now.filter(place => {
    const others = candidates.get(key(today(place))) ?? [];
    const nearest = nearestOf(today(place), others, then);
    if (nearest === undefined) return true;
    others.splice(others.indexOf(nearest), 1);
    matching.pairs.push([nearest, place]);
    return false;
  });
  const taken = new Set(matching.pairs.map(([place]) => place));
  matching.before = matching.before.filter(place => !taken.has(place));
}

/** Most have no choice: then nothing is compared. */
function nearestOf(
  derivation: KeptDerivation,
  places: readonly number[],
  then: Lookup,
): number | undefined {
  if (places.length < 2) return places[0];
  const nearness = places.map(place => inCommon(then(place), derivation));
  return places[nearness.indexOf(Math.max(...nearness))];
}

function inCommon(one: KeptDerivation, other: KeptDerivation): number {
  let count = 0;
  for (const [name, mark] of one.marks) if (other.marks.get(name) === mark) count += 1;
  return count;
}
