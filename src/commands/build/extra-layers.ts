import { entriesBlobSource } from '../../image/blob-sources.ts';
import { rootKey } from '../../image/keys.ts';
import {
  expandRootTree,
  type Root,
  readRootTree,
  rootEntries,
  UnexpandedFolder,
} from '../../image/root-layer.ts';
import type { TarEntry } from '../../image/tar-header.ts';
import type { DerivationOutput } from '../../nix/types.ts';
import type { LayerBlob } from '../transfers.ts';
import {
  closureOf,
  decideTargetLayers,
  findReusable,
  finished,
  type LayerWork,
  outputsOf,
  sendGroups,
  splitContent,
} from './layers.ts';
import { checkComplete } from './publish.ts';
import type { MadeLayer } from './state.ts';

/** Names of the layers that the program adds, as the record shows them. */
const referencesLayer = 'references';
const rootLayer = 'root';

/**
 * Makes all layers of an image. Those that the program adds are sent beside those of the targets, or after
 * them where the order counts.
 */
export async function makeAllLayers(work: LayerWork): Promise<MadeLayer[]> {
  const held = new Set<string>();
  const { made } = await decideTargetLayers(work, held);
  const { keepsOrder } = work.transfers;
  if (keepsOrder) await made;
  const added = makeReferencesLayer(work, held);
  if (keepsOrder) await added;
  const [targets, references, root] = await Promise.all([made, added, makeRootLayer(work)]);
  checkComplete(work.lessons.closures(), held);
  return [...targets, ...(references ? [references] : []), root];
}

/**
 * The layer of store paths that `root` or `config` refer to and that no target's layer holds, and of those
 * that a memory has overlooked; undefined when there are none.
 */
async function makeReferencesLayer(
  work: LayerWork,
  held: Set<string>,
): Promise<MadeLayer | undefined> {
  const { recipe, lessons } = work;
  const needed = new Set(recipe.configSources.filter(path => !held.has(path)));
  const outputs = [...recipe.root, ...recipe.configOutputs];
  // a blob that holds more than it needs may hold an output and not what that refers to
  const carried = new Set(lessons.closures().flat());
  for (const output of outputs) {
    if (carried.has(output.outPath)) continue;
    const closure = await closureOf(output, work);
    lessons.closure(output.outPath, closure);
    for (const path of closure) if (!held.has(path)) needed.add(path);
  }
  for (const path of await overlooked(work, held)) needed.add(path);
  if (needed.size === 0) return undefined;
  const blobs = await makeReferences(outputs, needed, work);
  for (const path of needed) held.add(path);
  return finished({ name: referencesLayer, target: null, origin: originOf(blobs), blobs }, work);
}

/**
 * Store paths that belong to what is shipped, as the store knows since Nix has realised something, and
 * that no layer holds: a memory said less of it.
 */
async function overlooked(work: LayerWork, held: ReadonlySet<string>): Promise<string[]> {
  const { recipe, knowledge, realisation, nix, host } = work;
  if (!realisation.wants()) return [];
  const outPaths = new Set(outputsOf(recipe).map(({ outPath }) => outPath));
  const remembered = [...outPaths].filter(path => knowledge.closureOf(path) !== undefined);
  const here = await work.closures.here({ ...nix, host }, remembered);
  const paths = [...here.values()].flatMap(closure => closure.map(({ path }) => path));
  return paths.filter(path => !held.has(path));
}

async function makeReferences(
  outputs: readonly DerivationOutput[],
  needed: ReadonlySet<string>,
  work: LayerWork,
): Promise<readonly LayerBlob[]> {
  const reusable = await findReusable(undefined, needed, work);
  if (reusable) return reusable;
  const missing = outputs.filter(({ outPath }) => needed.has(outPath));
  await Promise.all(missing.map(output => work.realisation.have(output)));
  const { nix, host, closures } = work;
  const groups = splitContent(await closures.sized({ ...nix, host }, [...needed]), 1, work);
  return Promise.all(sendGroups(referencesLayer, groups, work));
}

/** The last layer: the folders and links at /, merged from the trees of the root outputs. */
async function makeRootLayer(work: LayerWork): Promise<MadeLayer> {
  const { recipe, root, lessons } = work;
  for (const output of recipe.root) {
    const tree = knownTree(output, work);
    if (tree) lessons.rootTree(output.outPath, tree);
  }
  const blob = root.blob ?? (await sendRoot(work));
  lessons.blob(blob);
  const origin = originOf([blob]);
  return finished({ name: rootLayer, target: null, origin, blobs: [blob] }, work);
}

async function sendRoot(work: LayerWork): Promise<LayerBlob> {
  const { recipe, packing, transfers, lessons, run } = work;
  const { root: roots, directories } = recipe;
  const trees = new Map<string, Root>();
  for (const output of roots) {
    const tree = knownTree(output, work) ?? (await treeInStore(output, work));
    trees.set(output.outPath, { outPath: output.outPath, tree });
  }
  const entries = await mergeTrees(trees, work);
  for (const { outPath, tree } of trees.values()) lessons.rootTree(outPath, tree);
  const key = { roots: roots.map(({ outPath }) => outPath), directories };
  const sent = await transfers.send({
    layer: rootLayer,
    index: 0,
    key: rootKey(key),
    paths: [],
    source: entriesBlobSource(() => entries, packing),
    weight: 0,
    ...(run === undefined ? {} : { run }),
  });
  return { ...sent, kind: 'root', ...key };
}

/** Merges the trees; looks into links to folders, in the store, where two roots meet there. */
async function mergeTrees(trees: Map<string, Root>, work: LayerWork): Promise<TarEntry[]> {
  for (;;) {
    try {
      return rootEntries([...trees.values()], work.recipe.directories);
    } catch (error) {
      if (!(error instanceof UnexpandedFolder)) throw error;
      const { outPath, path } = error;
      const output = work.recipe.root.find(root => root.outPath === outPath);
      const root = trees.get(outPath);
      if (!output || !root) throw error;
      await work.realisation.have(output);
      const tree = expandRootTree(outPath, root.tree, path, work.nix.place);
      trees.set(outPath, { outPath, tree });
    }
  }
}

async function treeInStore(output: DerivationOutput, { nix, realisation }: LayerWork) {
  await realisation.have(output);
  return readRootTree(output.outPath, nix.place);
}

/** What the tree of a root output is, as far as this run has seen it or another remembers it. */
const knownTree = ({ outPath }: DerivationOutput, { root, lessons }: LayerWork) =>
  lessons.rootTreeOf(outPath) ?? root.treeOf(outPath);

/** Layers without a target are as their blobs are: made here, or there already. */
const originOf = (blobs: readonly LayerBlob[]) =>
  blobs.every(blob => blob.transfer !== 'uploaded') ? 'reused' : 'built';
