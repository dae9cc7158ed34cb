import type { Derivation } from '../nix/derivation.ts';
import type { Provenance } from '../nix/types.ts';
import type { FactGraph } from './facts.ts';
import { fetchedInputs, kindOf, neededInputs } from './subject.ts';

/**
 * The derivations that are worth a closer look: all from `targets` down to the first packages of nixpkgs,
 * whose scripts are nixpkgs' business; below these what is known to be somebody else's; and all that any
 * of them downloads.
 */
export function nearDerivations(
  targets: readonly string[],
  graph: FactGraph,
  provenance: Provenance,
  read: (drvPath: string) => Derivation,
): Map<string, Derivation> {
  const near = new Map<string, Derivation>();
  const pending = new Set([...targets, ...provenance.own]); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined) continue;
    const kind = kindOf(drvPath, facts, provenance);
    if (kind === 'nixpkgs') continue;
    near.set(drvPath, read(drvPath));
    if (kind === 'fetch') continue;
    const inputs = [...neededInputs(facts, graph), ...fetchedInputs(facts, graph)];
    for (const input of inputs) pending.add(input);
  }
  return near;
}
