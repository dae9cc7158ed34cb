import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';
import {
  childrenOf,
  isExpandedLink,
  type RootNode,
  type RootTree,
  UnexpandedFolder,
} from './root-tree.ts';
import { type ByteString, type TarEntry, toByteString, toText } from './tar-header.ts';
import type { ImageDirectory } from './types.ts';

export { expandRootTree, type RootTree, readRootTree, UnexpandedFolder } from './root-tree.ts';

/** A root output's tree, from the store or from the memory. */
export interface Root {
  outPath: string;
  tree: RootTree;
}

/**
 * The entries of the root layer: the roots' folders merged, their files as links into the store,
 * and the folders that the recipe names. Needs nothing but its arguments.
 *
 * Throws a {@link Failure} that names both where one path comes from two, and an {@link
 * UnexpandedFolder} where a tree does not say enough.
 */
export function rootEntries(
  roots: readonly Root[],
  directories: readonly ImageDirectory[],
): TarEntry[] {
  const once = new Map(roots.map(({ outPath, tree }) => [outPath, tree]));
  const wanted = wantedFolders(directories);
  const claims = [...once].map(([outPath, node]) => ({ outPath, node }));
  return [...folderContent('', claims, wanted)];
}

/** What one root has at a path. */
interface Claim {
  outPath: string;
  node: RootNode;
}

type Wanted = ReadonlyMap<ByteString, ImageDirectory | undefined>;

/** The recipe's folders by path, without the leading slash, and the parents that they imply. */
function wantedFolders(directories: readonly ImageDirectory[]): Wanted {
  const wanted = new Map<ByteString, ImageDirectory | undefined>();
  for (const directory of directories) {
    const parts = toByteString(directory.path).split('/').filter(Boolean);
    if (parts.length === 0 || parts.some(part => part === '.' || part === '..')) {
      throw new Failure(`${directory.path} in \`directories\` is no folder below /.`, {
        next: 'Write it as an absolute path without "." and "..", such as /tmp.',
      });
    }
    parts.forEach((_, index) => {
      const path = parts.slice(0, index + 1).join('/');
      if (index === parts.length - 1) wanted.set(path, directory);
      else if (!wanted.has(path)) wanted.set(path, undefined);
    });
  }
  return wanted;
}

/** All entries below a folder; `claims` are the trees that the roots have there. */
function* folderContent(
  folder: ByteString,
  claims: readonly { outPath: string; node: RootTree }[],
  wanted: Wanted,
): Generator<TarEntry> {
  const byName = new Map<ByteString, Claim[]>();
  for (const { outPath, node } of claims) {
    for (const [name, child] of Object.entries(node)) {
      byName.set(name, [...(byName.get(name) ?? []), { outPath, node: child }]);
    }
  }
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const path of wanted.keys()) {
    const name = path.slice(prefix.length);
    if (path.startsWith(prefix) && !name.includes('/') && !byName.has(name)) byName.set(name, []);
  }
  for (const name of [...byName.keys()].sort()) {
    yield* entriesAt(`${prefix}${name}`, byName.get(name) ?? [], wanted);
  }
}

function* entriesAt(
  path: ByteString,
  claims: readonly Claim[],
  wanted: Wanted,
): Generator<TarEntry> {
  if (path === 'nix' && claims[0]) throw conflict(path, claims[0].outPath, 'the Nix store');
  const [first, second] = claims;
  if (first && !second && !wanted.has(path) && isLink(path, first.node)) {
    const target = toByteString(`${first.outPath}/`) + path;
    yield { type: 'symlink', path, mode: 0o777, size: 0, target };
    return;
  }
  const leaf = claims.find(claim => claim.node === 0);
  if (leaf) {
    const other = claims.find(claim => claim !== leaf)?.outPath ?? '`directories`';
    throw conflict(path, leaf.outPath, other);
  }
  yield folderEntry(path, wanted.get(path));
  const trees = claims.map(({ outPath, node }) => {
    const children = childrenOf(node);
    if (!children) throw new UnexpandedFolder(outPath, path);
    return { outPath, node: children };
  });
  yield* folderContent(path, trees, wanted);
}

/** Whether a node that nothing else meets becomes a link; at the top level folders never do. */
function isLink(path: ByteString, node: RootNode): boolean {
  return node === 0 || ((node === 1 || isExpandedLink(node)) && path.includes('/'));
}

function folderEntry(path: ByteString, directory: ImageDirectory | undefined): TarEntry {
  if (!directory) return { type: 'directory', path, mode: 0o755, size: 0 };
  const mode = Number.parseInt(directory.mode, 8);
  return { type: 'directory', path, mode, size: 0, uid: directory.uid, gid: directory.gid };
}

const conflict = (path: ByteString, one: string, other: string) =>
  new Failure(`/${visible(toText(path))} of the image comes from two: ${one} and ${other}.`, {
    layer: 'root',
    next: 'Take one of them out of the recipe (`root`, `directories`), or rename the file in one.',
  });
