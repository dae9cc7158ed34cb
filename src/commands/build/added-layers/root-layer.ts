import { warn } from '../../../host/say.ts';
import { entriesBlobSource } from '../../../image/blob-sources.ts';
import { rootKey } from '../../../image/keys.ts';
import {
  expandRootTree,
  type HiddenFile,
  type RootContent,
  type RootTree,
  readRootTree,
  rootContent,
  treePaths,
  UnexpandedFolder,
} from '../../../image/root-layer.ts';
import type { LayerBlob } from '../../transfers.ts';
import { warningOf } from '../hidden-files.ts';
import { finishedAdded, type LayerWork } from '../layer-work.ts';
import type { MadeLayer } from '../state.ts';
import { rootParts } from './remembered-root.ts';

/** Its name, as the record shows it. */
const rootLayer = 'root';

/** The last layer: the folders and links at /, merged from the trees that the recipe names. */
export async function makeRootLayer(work: LayerWork): Promise<MadeLayer> {
  const { recipe, root, lessons, host } = work;
  for (const outPath of treePaths(rootParts(recipe))) {
    const tree = knownTree(outPath, work);
    if (tree) lessons.rootTree(outPath, tree);
  }
  const { blob, hidden } = root.blob
    ? { blob: root.blob, hidden: root.hidden }
    : await sendRoot(work);
  const warning = await warningOf(hidden, work.nix.place, root.blob === undefined);
  if (warning !== undefined) warn(host, warning);
  lessons.blob(blob);
  return finishedAdded(rootLayer, [blob], work);
}

async function sendRoot(
  work: LayerWork,
): Promise<{ blob: LayerBlob; hidden: readonly HiddenFile[] }> {
  const { packing, transfers, lessons, run } = work;
  const parts = rootParts(work.recipe);
  const trees = new Map<string, RootTree>();
  for (const outPath of treePaths(parts)) {
    trees.set(outPath, knownTree(outPath, work) ?? (await treeInStore(outPath, work)));
  }
  const { entries, hidden } = await mergeTrees(trees, work);
  for (const [outPath, tree] of trees) lessons.rootTree(outPath, tree);
  const sent = await transfers.send({
    layer: rootLayer,
    index: 0,
    key: rootKey(parts),
    paths: [],
    source: entriesBlobSource(() => entries, packing),
    weight: 0,
    ...(run === undefined ? {} : { run }),
  });
  const { roots, directories, folders } = parts;
  const made = { roots, directories, ...(folders.length > 0 ? { folders } : {}) };
  return { blob: { ...sent, kind: 'root', ...made }, hidden };
}

/** Merges the trees; looks into links to folders, in the store, where two sources meet there. */
async function mergeTrees(trees: Map<string, RootTree>, work: LayerWork): Promise<RootContent> {
  for (;;) {
    try {
      return rootContent(rootParts(work.recipe), trees);
    } catch (error) {
      if (!(error instanceof UnexpandedFolder)) throw error;
      const { outPath, path } = error;
      const tree = trees.get(outPath);
      if (!tree) throw error;
      await haveIt(outPath, work);
      trees.set(outPath, expandRootTree(outPath, tree, path, work.nix.place));
    }
  }
}

async function treeInStore(outPath: string, work: LayerWork): Promise<RootTree> {
  await haveIt(outPath, work);
  return readRootTree(outPath, work.nix.place);
}

/** What is no output is a source, which evaluation has put into the store. */
async function haveIt(outPath: string, { recipe, realisation }: LayerWork): Promise<void> {
  const outputs = [...recipe.root, ...recipe.referredOutputs];
  const output = outputs.find(each => each.outPath === outPath);
  if (output) await realisation.have(output);
}

/** What a store path holds, as far as this run has seen it or another remembers it. */
const knownTree = (outPath: string, { root, lessons }: LayerWork) =>
  lessons.rootTreeOf(outPath) ?? root.treeOf(outPath);
