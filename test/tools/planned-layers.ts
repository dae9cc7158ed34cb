import type { LayerWork } from '../../src/commands/build/layer-work.ts';
import { startLessons } from '../../src/commands/build/lessons.ts';
import type { Transfers } from '../../src/commands/transfers.ts';
import { framePool } from '../../src/image/frames.ts';
import { startClosures } from '../../src/nix/closures.ts';
import type { LayerTarget, Recipe, RecipeLayer } from '../../src/nix/types.ts';
import { arrangeKnowledge } from '../../src/registry/reuse.ts';
import { storePath } from './stand-in-store.ts';

/** A layer target of this name; there is no derivation. */
export const layerNamed = (name: string): LayerTarget => ({
  name,
  image: true,
  drvPath: `${storePath(name)}.drv`,
  outputName: 'out',
  outPath: storePath(name),
});

/** A recipe of these layers alone. */
export const recipeOf = (layers: readonly RecipeLayer[]): Recipe => ({
  ...{ name: 'comfyui', tag: 'cu130', layers, root: [], folders: [], directories: [], config: {} },
  ...{ referredOutputs: [], referredSources: [], created: '1970-01-01T00:00:01Z' },
});

/**
 * Layers whose closures have `size` paths each, of which all layers have `common` ones, and what each
 * path refers to: a few others, as packages do.
 */
export function layersInStore(count: number, { size, common }: { size: number; common: number }) {
  const kind = `with-${common}-of-${size}`;
  const references = new Map<string, readonly string[]>();
  const add = (name: string, length: number, last: readonly string[]) => {
    const paths = Array.from({ length }, (_, at) => storePath(`python3.12-${name}-${at}`));
    for (const [at, path] of paths.entries()) {
      references.set(path, at === length - 1 ? last : paths.slice(at + 1, at + 6));
    }
    return paths.slice(0, 1);
  };
  const shared = add(kind, common, []);
  const layers = Array.from({ length: count }, (_, at) => layerNamed(`layer${at}-${kind}`));
  for (const { name, outPath } of layers) {
    references.set(outPath, [...shared, ...add(name, size - common - 1, shared)]);
  }
  return { layers, references };
}

/** The work of making layers of which nothing is remembered; what is sent is kept in `sent`. */
export function layerWork(
  parts: Pick<LayerWork, 'nix' | 'realisation'> & Partial<LayerWork>,
  layers: readonly RecipeLayer[],
) {
  const sent: Parameters<Transfers['send']>[0][] = [];
  const send: Transfers['send'] = async blob => {
    sent.push(blob);
    const digest = `sha256:${blob.key}`;
    const sizes = { size: 1, uncompressedSize: 1, mediaType: '' };
    return { ...blob, ...sizes, digest, diffId: digest, transfer: 'uploaded' as const };
  };
  const work: LayerWork = {
    host: parts.nix.host,
    recipe: recipeOf(layers),
    packing: { compression: 'zstd', pool: framePool(1) },
    maxLayerSize: 2 ** 30,
    knowledge: arrangeKnowledge([], ''),
    presence: async () => undefined,
    closures: startClosures(),
    lessons: startLessons({ rowOf: () => undefined, origin: () => ({}) }),
    root: { blob: undefined, hidden: [], treeOf: () => undefined },
    finished: () => undefined,
    transfers: { keepsOrder: false, send, ended: async () => undefined },
    ...parts,
  };
  return { work, sent };
}
