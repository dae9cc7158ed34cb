import { lstatSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { visible } from '../host/visible.ts';
import { sortedNames, unreadable } from './store-tree.ts';
import { type ByteString, toByteString, toText } from './tar-header.ts';

/** What a folder of a store path holds, by name. Names are byte strings (tar-header.ts). */
export interface RootTree {
  [name: ByteString]: RootNode;
}

/**
 * Compact, since the memory keeps it as JSON: 0 is a file, or a link to anything but a folder of
 * the store; 1 a link to a folder of the store that was not looked into; a list of one tree a link
 * to a folder that holds this; an object a folder.
 */
export type RootNode = 0 | 1 | [RootTree] | RootTree;

/** Says to Nix, not to the image, what a package propagates; every package has its own. */
const buildMetadata = 'nix-support';

/** A store, by what its paths begin with and by the folder in which its files are. */
interface Store {
  dir: ByteString;
  place: ByteString;
}

/**
 * The folders and files of a root output, or of what folders are merged from. Links to folders are looked into at the top level (/etc,
 * /lib) and left alone below it. The result depends on the store alone, not on the rest of the
 * machine.
 *
 * @param place the folder in which the store's files are: another one than it is called in chroot stores
 */
export function readRootTree(outPath: string, place = dirname(outPath)): RootTree {
  const root = toByteString(outPath);
  const store = storeOf(outPath, place);
  if (!isFolder(root, store)) {
    throw new Failure(`${outPath} is no folder, so the image cannot link to its files.`, {
      layer: 'root',
      next: 'Take it out of `root` or `folders` in the recipe, or put it into a folder with linkFarm.',
    });
  }
  const { [buildMetadata]: _, ...tree } = readFolder(root, store, true);
  return tree;
}

/** The same tree with the link at `path` (as in {@link UnexpandedFolder}) looked into. */
export function expandRootTree(
  outPath: string,
  tree: RootTree,
  path: ByteString,
  place = dirname(outPath),
): RootTree {
  const [name = '', ...below] = path.split('/');
  const at = `${toByteString(outPath)}/${name}`;
  const node = expandNode(at, tree[name] ?? 1, below, storeOf(outPath, place));
  return { ...tree, [name]: node };
}

const storeOf = (outPath: string, place: string): Store => ({
  dir: toByteString(dirname(outPath)),
  place: toByteString(place),
});

/** Where a file of the store is. */
const located = (file: ByteString, { dir, place }: Store): ByteString =>
  `${place}${file.slice(dir.length)}`;

function expandNode(
  at: ByteString,
  node: RootNode,
  below: readonly string[],
  store: Store,
): RootNode {
  const [name, ...rest] = below;
  if (name === undefined) return [readFolder(at, store, false)];
  const children = childrenOf(node);
  if (!children) return node;
  const child = expandNode(`${at}/${name}`, children[name] ?? 1, rest, store);
  const expanded = { ...children, [name]: child };
  return Array.isArray(node) ? [expanded] : expanded;
}

/** What is below a node; undefined for a leaf and for a link that was not looked into. */
export function childrenOf(node: RootNode): RootTree | undefined {
  if (typeof node === 'number') return undefined;
  return isExpandedLink(node) ? node[0] : node;
}

/** Whether the node is a link to a folder that was looked into. */
export const isExpandedLink = (node: RootNode): node is [RootTree] => Array.isArray(node);

/** A tree out of a memory; undefined when it is none, or deeper than a tree may be. */
export function parseRootTree(value: unknown): RootTree | undefined {
  return isTree(value, 1) ? value : undefined;
}

const isTree = (value: unknown, depth: number): value is RootTree =>
  depth <= limits.treeDepth &&
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(([name, node]) => isEntryName(name) && isNode(node, depth + 1));

const isEntryName = (name: string) =>
  name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);

const isNode = (value: unknown, depth: number): value is RootNode =>
  value === 0 ||
  value === 1 ||
  (Array.isArray(value) ? value.length === 1 && isTree(value[0], depth) : isTree(value, depth));

function readFolder(folder: ByteString, store: Store, lookIntoLinks: boolean, depth = 1): RootTree {
  if (depth > limits.treeDepth) throw tooDeep(folder);
  // links in between name paths of the store, which the system may not find there
  const real = resolveInStore(folder, store) ?? folder;
  const nodes = sortedNames(located(real, store)).map(
    name => [name, readNode(`${real}/${name}`, store, lookIntoLinks, depth)] as const,
  );
  return Object.fromEntries(nodes);
}

function readNode(file: ByteString, store: Store, lookIntoLinks: boolean, depth: number): RootNode {
  const stats = statOf(located(file, store));
  if (stats.isDirectory()) return readFolder(file, store, false, depth + 1);
  if (!stats.isSymbolicLink() || !isFolder(file, store)) return 0;
  return lookIntoLinks ? [readFolder(file, store, false, depth + 1)] : 1;
}

const tooDeep = (folder: ByteString) =>
  new Failure(`${visible(toText(folder))} lies more than ${limits.treeDepth} folders deep.`, {
    layer: 'root',
    next: 'Take its output out of `root` or `folders` in the recipe, or link to it by linkFarm.',
  });

function statOf(file: ByteString) {
  try {
    return lstatSync(Buffer.from(file, 'latin1'));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Whether a path is, or links inside the store to, a folder of the store. */
function isFolder(file: ByteString, store: Store): boolean {
  const target = resolveInStore(file, store);
  return target !== undefined && statOf(located(target, store)).isDirectory();
}

/** Follows links like realpath(3), but gives up (undefined) where the way leaves the store. */
function resolveInStore(file: ByteString, store: Store): ByteString | undefined {
  const parts = file.split('/');
  let at = '';
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift() ?? '';
    if (part === '' || part === '.') continue;
    const next = part === '..' ? at.slice(0, at.lastIndexOf('/')) : `${at}/${part}`;
    const isInside = next.startsWith(`${store.dir}/`);
    if (isInside && part !== '..') {
      const here = Buffer.from(located(next, store), 'latin1');
      const stats = lstatSync(here, { throwIfNoEntry: false });
      if (!stats) return undefined;
      if (stats.isSymbolicLink()) {
        links += 1;
        if (links > 40) return undefined;
        const target = readlinkSync(here, 'latin1');
        parts.unshift(...target.split('/'));
        if (target.startsWith('/')) at = '';
        continue;
      }
    } else if (!isInside && !`${store.dir}/`.startsWith(`${next}/`)) return undefined;
    at = next;
  }
  return at.startsWith(`${store.dir}/`) ? at : undefined;
}

/**
 * Two sources of the root layer (or one and `directories`) meet in a folder that one of them only links to, and what
 * it holds is not known. Realise `outPath` and pass the tree through {@link expandRootTree}, then
 * try again.
 */
export class UnexpandedFolder extends Failure {
  readonly outPath: string;
  /** Below the output. */
  readonly path: ByteString;

  constructor(outPath: string, path: ByteString) {
    super(
      `What ${outPath}/${visible(toText(path))} holds is needed for the root layer and is not known.`,
      {
        next: `Realise it (nix-store --realise ${outPath}) and run again with reuse set to false.`,
      },
    );
    this.outPath = outPath;
    this.path = path;
  }
}
