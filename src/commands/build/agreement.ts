import { queryClosures, queryValid } from '../../nix/store.ts';
import type { DerivationOutput, Nix } from '../../nix/types.ts';
import type { Knowledge } from '../../registry/reuse.ts';

/**
 * The same knowledge without what this machine's store knows better: where it has an output, its closure
 * is asked of Nix, and one that is remembered otherwise is forgotten together with the blobs that were
 * made by it. Such a memory was tampered with, or tells of a build that came out otherwise: the layer is
 * made again of what is here. Rejects when the store does not answer.
 */
export async function agreeingWithStore(
  knowledge: Knowledge,
  outputs: readonly DerivationOutput[],
  nix: Nix,
): Promise<Knowledge> {
  const closures = await closuresInStore(knowledge, outputs, nix);
  const wrong = new Set<string>();
  for (const [outPath, closure] of closures) {
    const remembered = new Set(knowledge.closureOf(outPath));
    if (new Set(closure).symmetricDifference(remembered).size > 0) wrong.add(outPath);
  }
  if (wrong.size === 0) return knowledge;
  return {
    ...knowledge,
    closureOf: outPath => (wrong.has(outPath) ? undefined : knowledge.closureOf(outPath)),
    carriersOf: outPath => (wrong.has(outPath) ? [] : knowledge.carriersOf(outPath)),
  };
}

/** The closures of those of the outputs that are remembered and that the store has by now. */
export async function closuresInStore(
  knowledge: Knowledge,
  outputs: readonly DerivationOutput[],
  nix: Nix,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const paths = new Set(outputs.map(({ outPath }) => outPath));
  const remembered = [...paths].filter(path => knowledge.closureOf(path) !== undefined);
  if (remembered.length === 0) return new Map();
  const valid = await queryValid(nix, remembered);
  return valid.size === 0 ? new Map() : queryClosures(nix, [...valid]);
}
