import type { Derivation } from '../nix/derivation.ts';
import type { Provenance } from '../nix/types.ts';
import type { FactGraph } from './facts.ts';

/**
 * The derivations that are worth a closer look: all from `targets` down to what is nixpkgs', whose scripts
 * are nixpkgs' business; below that what is known to be somebody else's; and all that any of them uses
 * and downloads.
 */
export function nearDerivations(
  targets: readonly string[],
  graph: FactGraph,
  { own, nixpkgs }: Provenance,
  read: (drvPath: string) => Derivation,
): Map<string, Derivation> {
  const near = new Map<string, Derivation>();
  const pending = new Set([...targets, ...own]); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined || nixpkgs.has(drvPath)) continue;
    near.set(drvPath, read(drvPath));
    // what a download is made by is the business of who fetches
    if (facts.fetch !== undefined) continue;
    for (const input of facts.inputDrvs.keys()) pending.add(input);
  }
  return near;
}
