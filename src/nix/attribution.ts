import type { DerivationGraph } from './derivation.ts';
import type { DerivationOutput, LayerTarget } from './types.ts';

/** Which layer work belongs to. */
export interface Attribution {
  /** The layer that first needs a derivation, or an output path; undefined: none does. */
  layerOf(path: string): string | undefined;
}

/**
 * Maps every derivation of the graph, and every output path of it, to the first of `targets` that
 * needs it to be built. `targets` are in the order of the layers.
 */
export function attribute(
  graph: DerivationGraph,
  targets: readonly { name: string; drvPath: string }[],
): Attribution {
  const layers = new Map<string, string>();
  for (const { name, drvPath } of targets) {
    const pending = [drvPath];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (layers.has(next)) continue;
      layers.set(next, name);
      const node = graph.get(next);
      if (!node) continue;
      for (const outPath of node.outputs.values()) if (outPath !== '') layers.set(outPath, name);
      pending.push(...node.inputDrvs.keys());
    }
  }
  return { layerOf: path => layers.get(path) };
}

/**
 * Targets that work is attributed to when some outputs are realised. One that is not shipped is realised
 * because another one needs it; the work is its own.
 */
export function attributable(
  targets: readonly LayerTarget[],
  realised: readonly DerivationOutput[],
): LayerTarget[] {
  const drvPaths = new Set(realised.map(({ drvPath }) => drvPath));
  return targets.filter(({ image, drvPath }) => !image || drvPaths.has(drvPath));
}
