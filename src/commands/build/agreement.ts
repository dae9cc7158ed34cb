import type { Closure } from '../../nix/closures.ts';
import type { Knowledge } from '../../registry/reuse.ts';

/**
 * The same knowledge without what this machine's store knows better: a closure that is remembered
 * otherwise than it is `here` is forgotten together with the blobs that were made by it. Such a memory
 * was tampered with, or tells of a build that came out otherwise: the layer is made again of what is
 * here.
 */
export function agreeingWithStore(
  knowledge: Knowledge,
  here: ReadonlyMap<string, Closure>,
): Knowledge {
  const wrong = new Set<string>();
  for (const [outPath, closure] of here) {
    const remembered = knowledge.closureOf(outPath);
    if (remembered && !haveSamePaths(closure, remembered)) wrong.add(outPath);
  }
  if (wrong.size === 0) return knowledge;
  return {
    ...knowledge,
    closureOf: outPath => (wrong.has(outPath) ? undefined : knowledge.closureOf(outPath)),
    sizedClosureOf: outPath => (wrong.has(outPath) ? undefined : knowledge.sizedClosureOf(outPath)),
    rowOf: outPath => (wrong.has(outPath) ? undefined : knowledge.rowOf(outPath)),
    carriersOf: outPath => (wrong.has(outPath) ? [] : knowledge.carriersOf(outPath)),
  };
}

function haveSamePaths(closure: Closure, remembered: readonly string[]): boolean {
  const paths = new Set(closure.map(({ path }) => path));
  return paths.symmetricDifference(new Set(remembered)).size === 0;
}
