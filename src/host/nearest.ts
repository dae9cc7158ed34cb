import { limits } from './limits.ts';

/** The known name that takes the fewest edits to become `name`, capitals aside. */
export const nearest = (name: string, known: readonly string[]): string | undefined =>
  nearestNames(name, known, 1)[0];

/**
 * The known names that take the fewest edits to become `name`, capitals aside; at most `count`, nearest
 * first, and but for the first none of which more than half would have to change. Of very long names the beginning counts, of very many the first.
 */
export function nearestNames(name: string, known: readonly string[], count: number): string[] {
  const start = (text: string) => text.slice(0, limits.nearestLength).toLowerCase();
  const distances = known.slice(0, limits.nearestNames).map(candidate => ({
    candidate,
    distance: editDistance(start(name), start(candidate)),
  }));
  const sorted = distances.sort((a, b) => a.distance - b.distance);
  const most = Math.max(sorted[0]?.distance ?? 0, name.length / 2);
  return sorted
    .filter(({ distance }) => distance <= most)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance: letters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1];
    for (let column = 1; column <= to.length; column++) {
      const replace = (above[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      const insert = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replace, insert, (above[column] ?? 0) + 1));
    }
    above = current;
  }
  return above[to.length] ?? 0;
}
