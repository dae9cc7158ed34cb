import type { Provenance } from '../nix/types.ts';
import type { FactGraph } from './facts.ts';

/**
 * What is nixpkgs': packages that evaluation has seen to be written there, and what those are built from,
 * but for what has been seen to be somebody else's, as by an overlay. A script or a folder of links is
 * written in nixpkgs and made of what the flake gives it: it tells nothing of what it is built from.
 */
export function ofNixpkgs(
  graph: FactGraph,
  { own, nixpkgs }: Pick<Provenance, 'own' | 'nixpkgs'>,
): ReadonlySet<string> {
  const isPackage = (drvPath: string) => {
    const { pname, version } = graph.get(drvPath) ?? {};
    return pname !== undefined && version !== undefined;
  };
  const found = new Set([...nixpkgs].filter(isPackage)); // grows while it is read
  for (const drvPath of found) {
    for (const input of graph.get(drvPath)?.inputDrvs.keys() ?? []) {
      if (!own.has(input)) found.add(input);
    }
  }
  return found;
}
