import { Failure } from '../../../host/failure.ts';
import { entriesBlobSource } from '../../../image/blob-sources.ts';
import { framePool } from '../../../image/frames.ts';
import { rootKey } from '../../../image/keys.ts';
import {
  type HiddenFile,
  type RootContent,
  type RootParts,
  rootContent,
  type Trees,
  treePaths,
} from '../../../image/root-layer.ts';
import {
  isExpandedLink,
  parseRootTree,
  type RootNode,
  type RootTree,
} from '../../../image/root-tree.ts';
import type { ByteString, TarEntry } from '../../../image/tar-header.ts';
import type { ImageDirectory } from '../../../image/types.ts';
import type { Recipe } from '../../../nix/types.ts';
import type { Knowledge, KnownImage, Presence } from '../../../registry/reuse.ts';
import type { LayerBlob } from '../../transfers.ts';

/** What is remembered of a recipe's root layer, as far as it can be believed. */
export interface RememberedRoot {
  /** The layer itself, where it is there. */
  blob: LayerBlob | undefined;
  /** What is not in that layer. */
  hidden: readonly HiddenFile[];
  /** What a store path holds; undefined where that is not known. */
  treeOf(outPath: string): RootTree | undefined;
}

/** What the root layer of a recipe is made of. */
export const rootParts = ({ root, folders, directories }: Recipe): RootParts => ({
  roots: root.map(({ outPath }) => outPath),
  folders,
  directories,
});

/** What the root layer is recalled by. */
interface RootInputs {
  recipe: Recipe;
  knowledge: Knowledge;
  presence: Presence;
}

/**
 * Recalls the root layer or, where there is none, the trees that it can be made of. A layer is believed
 * where the trees that are remembered with it make just these bytes; a tree, where the layer of links of
 * an image that it was remembered with has its links and no others. What a run has learnt that left no
 * image cannot be compared with one: its trees are taken as they are.
 */
export async function recallRoot(inputs: RootInputs): Promise<RememberedRoot> {
  const { recipe, knowledge } = inputs;
  const paths = treePaths(rootParts(recipe));
  const whole = await recallRootLayer(inputs);
  if (whole) return whole;
  const trees = new Map<string, RootTree>();
  for (const image of knowledge.images) {
    const unknown = paths.filter(path => !trees.has(path));
    if (!image.roots.some(({ outPath }) => unknown.includes(outPath))) continue;
    const proven = await provenTrees(image, recipe.directories);
    for (const [outPath, tree] of proven) if (!trees.has(outPath)) trees.set(outPath, tree);
  }
  return { blob: undefined, hidden: [], treeOf: outPath => trees.get(outPath) };
}

/** The layer that the memory knows by its key, if it is made of the trees that it knows. */
export async function recallRootLayer({
  recipe,
  knowledge,
  presence,
}: RootInputs): Promise<RememberedRoot | undefined> {
  const parts = rootParts(recipe);
  const blob = knowledge.blobWithKey(rootKey(parts));
  const image = blob && knowledge.images.find(each => each.blobs.includes(blob));
  const trees = treesOf(image?.roots ?? []);
  if (blob === undefined || !treePaths(parts).every(path => trees.has(path))) return undefined;
  const content = contentOf(parts, trees);
  if (content === undefined || (await diffIdOf(content.entries)) !== blob.diffId) return undefined;
  const transfer = await presence(blob);
  if (transfer === undefined) return undefined;
  const { hidden } = content;
  return { blob: { ...blob, transfer }, hidden, treeOf: outPath => trees.get(outPath) };
}

/**
 * The trees that are remembered with an image, where its links are those that they make; else none. What
 * of a folder's source is behind a link of the layer it does not show, and is believed with the rest: the
 * source would have to be fetched.
 */
async function provenTrees(
  image: KnownImage,
  directories: readonly ImageDirectory[],
): Promise<Trees> {
  const { digest, roots, evidence } = image;
  const trees = treesOf(roots);
  if (digest === undefined) return trees;
  const parts = partsOf(image, trees);
  const paths = treePaths(parts);
  const members = await evidence.lastLayer(digest);
  const made = contentOf({ ...parts, directories }, trees)?.entries;
  if (members === undefined || made === undefined) return new Map();
  if (!paths.every(path => trees.has(path))) return new Map();
  const there = new Set(members.map(described));
  const links = made.filter(({ type }) => type === 'symlink');
  const count = members.filter(({ type }) => type === 'symlink').length;
  // directories that the recipe named then may be others than it names now
  const without = contentOf({ ...parts, directories: [] }, trees)?.entries ?? [];
  const folders = without.filter(({ type }) => type === 'directory');
  const agrees = [...links, ...folders].every(entry => there.has(described(entry)));
  if (!agrees || links.length !== count) return new Map();
  const shown = (outPath: string, tree: RootTree) =>
    parts.roots.includes(outPath) ? shownIn(there, tree, '') : tree;
  return new Map(paths.map(path => [path, shown(path, trees.get(path) ?? {})]));
}

/** What the root layer of an image was made of, directories aside. */
function partsOf({ blobs }: KnownImage, trees: Trees): RootParts {
  const { roots = [...trees.keys()], folders = [] } =
    blobs.find(({ kind }) => kind === 'root') ?? {};
  return { roots, folders, directories: [] };
}

/** The tree as far as a layer shows it: what is behind a link that stayed one is in none. */
function shownIn(there: ReadonlySet<string>, tree: RootTree, folder: ByteString): RootTree {
  const shown = ([name, node]: [ByteString, RootNode]): [ByteString, RootNode] => {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (typeof node === 'number') return [name, node];
    if (!isExpandedLink(node)) return [name, shownIn(there, node, path)];
    const isFolder = there.has(described({ type: 'directory', path }));
    return [name, isFolder ? [shownIn(there, node[0], path)] : 1];
  };
  return Object.fromEntries(Object.entries(tree).map(shown));
}

const described = ({
  type,
  path,
  target = '',
}: Pick<TarEntry, 'path' | 'target'> & { type: string }) => `${type} ${path}\0${target}`;

function treesOf(roots: KnownImage['roots']): Map<string, RootTree> {
  return new Map(
    roots.flatMap(({ outPath, tree }) => {
      const parsed = parseRootTree(tree);
      return parsed ? [[outPath, parsed] as const] : [];
    }),
  );
}

/** The root layer of these trees; undefined where they make none, or do not say enough. */
function contentOf(parts: RootParts, trees: Trees): RootContent | undefined {
  try {
    return rootContent(parts, trees);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

async function diffIdOf(entries: readonly TarEntry[]): Promise<string> {
  const packing = { compression: 'none', pool: framePool(1) } as const;
  const stream = entriesBlobSource(() => entries, packing).open();
  for await (const _ of stream);
  return stream.result().diffId;
}
