import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';
import { type FolderTree, folderTrees } from './root-folders.ts';
import {
  childrenOf,
  isExpandedLink,
  type RootNode,
  type RootTree,
  UnexpandedFolder,
} from './root-tree.ts';
import { type ByteString, type TarEntry, toByteString, toText } from './tar-header.ts';
import type { ImageDirectory, ImageFolder, TreePlace } from './types.ts';

export { expandRootTree, type RootTree, readRootTree, UnexpandedFolder } from './root-tree.ts';

/** What the root layer is made of, beside the trees of the store paths that it names. */
export interface RootParts {
  /** Store paths whose files appear at /. */
  roots: readonly string[];
  folders: readonly ImageFolder[];
  directories: readonly ImageDirectory[];
}

/** What the root layer holds. */
export interface RootContent {
  entries: TarEntry[];
  hidden: readonly HiddenFile[];
}

/** A file or folder that is not in the image, because another source of its folder has a file there. */
export interface HiddenFile {
  /** In the image. */
  path: string;
  /** In the store. */
  taken: string;
  hidden: string;
}

/** Store paths with what they hold, from the store or from the memory. */
export type Trees = ReadonlyMap<string, RootTree>;

/** The store paths whose trees the root layer is made of. */
export const treePaths = ({ roots, folders }: Pick<RootParts, 'roots' | 'folders'>): string[] => [
  ...new Set([...roots, ...folders.flatMap(({ from }) => from.map(({ outPath }) => outPath))]),
];

/**
 * The root layer: the roots' folders merged, their files as links into the store; the recipe's folders,
 * whose own are links where nothing else is in them; and the directories that it names. Needs nothing but
 * its arguments, all of {@link treePaths} among `trees`.
 *
 * Throws a {@link Failure} that names both where one path comes from two, unless both are of folders, and
 * an {@link UnexpandedFolder} where a tree does not say enough.
 */
export function rootContent(parts: RootParts, trees: Trees): RootContent {
  const hidden: HiddenFile[] = [];
  const work = {
    wanted: wantedFolders(parts),
    sources: folderTrees(parts.folders, trees),
    hide: (file: HiddenFile) => hidden.push(file),
  };
  const claims = [...new Set(parts.roots)].map(outPath => ({
    outPath,
    below: '',
    node: trees.get(outPath) ?? {},
    isRoot: true,
  }));
  return { entries: [...folderContent('', claims, work)], hidden };
}

/** What a source has at a path: its tree, and where that is in the store. */
interface Claim<Node = RootNode> {
  outPath: string;
  below: ByteString;
  node: Node;
  /** One of the roots; else it is of a folder. */
  isRoot: boolean;
}

interface Work {
  wanted: ReadonlyMap<ByteString, Wanted>;
  /** By the path of their folder. */
  sources: ReadonlyMap<ByteString, readonly FolderTree[]>;
  hide(file: HiddenFile): void;
}

/** A folder that is to be there, and by which field of the recipe. */
interface Wanted {
  directory?: ImageDirectory;
  field: 'directories' | 'folders';
}

/** The recipe's folders by path, without the leading slash, and the parents that they imply. */
function wantedFolders({ folders, directories }: RootParts): Map<ByteString, Wanted> {
  const wanted = new Map<ByteString, Wanted>();
  const want = (path: string, last: Wanted) => {
    const { field } = last;
    const parts = toByteString(path).split('/').filter(Boolean);
    if (parts.length === 0 || parts.some(part => part === '.' || part === '..')) {
      throw new Failure(`${path} in \`${field}\` is no folder below /.`, {
        next: 'Write it as an absolute path without "." and "..", such as /tmp.',
      });
    }
    parts.forEach((_, index) => {
      const each = parts.slice(0, index + 1).join('/');
      if (index === parts.length - 1) wanted.set(each, last);
      else if (!wanted.has(each)) wanted.set(each, { field });
    });
  };
  for (const { at } of folders) want(at, { field: 'folders' });
  for (const directory of directories) want(directory.path, { directory, field: 'directories' });
  return wanted;
}

/** All entries below a folder; `claims` are the trees that the sources have there. */
function* folderContent(
  folder: ByteString,
  claims: readonly Claim<RootTree>[],
  work: Work,
): Generator<TarEntry> {
  const byName = new Map<ByteString, Claim[]>();
  for (const { node, below, ...claim } of claims) {
    for (const [name, child] of Object.entries(node)) {
      const found = byName.get(name) ?? [];
      found.push({ ...claim, below: joined(below, name), node: child });
      byName.set(name, found);
    }
  }
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const path of work.wanted.keys()) {
    const name = path.slice(prefix.length);
    if (path.startsWith(prefix) && !name.includes('/') && !byName.has(name)) byName.set(name, []);
  }
  for (const name of [...byName.keys()].sort()) {
    yield* entriesAt(`${prefix}${name}`, byName.get(name) ?? [], work);
  }
}

function* entriesAt(path: ByteString, given: readonly Claim[], work: Work): Generator<TarEntry> {
  if (path === 'nix' && given[0]) throw conflict(path, given[0].outPath, 'the Nix store');
  const claims = settled(path, given, work);
  const wanted = work.wanted.get(path);
  const [first, second] = claims;
  if (first && !second && !wanted && isLink(path, first)) {
    const target = joined(toByteString(first.outPath), first.below);
    yield { type: 'symlink', path, mode: 0o777, size: 0, target };
    return;
  }
  yield folderEntry(path, wanted?.directory);
  const trees = claims.map(claim => {
    const node = childrenOf(claim.node);
    if (!node) throw new UnexpandedFolder(claim.outPath, claim.below);
    return { ...claim, node };
  });
  yield* folderContent(path, trees, work);
}

/**
 * The claims that hold at a path: a folder's own sources before what one further up has there. Among those
 * of folders the first one has a file, or has the folder where others have files.
 */
function settled(path: ByteString, given: readonly Claim[], work: Work): readonly Claim[] {
  const own = work.sources.get(path)?.map(tree => ({ ...tree, isRoot: false })) ?? [];
  const claims = own.length > 0 ? oncePerPlace([...own, ...given]) : given;
  const leaf = claims.find(({ node }) => node === 0);
  const wanted = work.wanted.get(path);
  const [first] = claims;
  if (leaf === undefined || first === undefined || (claims.length === 1 && !wanted)) return claims;
  if (wanted || claims.some(({ isRoot }) => isRoot)) {
    const other = claims.find(claim => claim !== leaf)?.outPath ?? `\`${wanted?.field}\``;
    throw conflict(path, leaf.outPath, other);
  }
  const holds = (claim: Claim) => claim === first || (first.node !== 0 && claim.node !== 0);
  for (const claim of claims.filter(each => !holds(each))) {
    work.hide({ path: `/${toText(path)}`, taken: placeOf(first), hidden: placeOf(claim) });
  }
  return claims.filter(holds);
}

/** A folder's source may be what another one, or a root, has there anyway. */
function oncePerPlace(claims: readonly Claim[]): Claim[] {
  const places = new Map<string, Claim>();
  for (const claim of claims) {
    const before = places.get(placeOf(claim));
    if (!before?.isRoot) places.set(placeOf(claim), claim.isRoot ? claim : (before ?? claim));
  }
  return [...places.values()];
}

/** Whether what nothing else meets becomes a link; folders of roots never do at the top level. */
function isLink(path: ByteString, { node, isRoot }: Claim): boolean {
  if (node === 0 || !isRoot) return true;
  return (node === 1 || isExpandedLink(node)) && path.includes('/');
}

const joined = (folder: ByteString, name: ByteString) => {
  if (name === '') return folder;
  return folder === '' ? name : `${folder}/${name}`;
};

const placeOf = ({ outPath, below }: TreePlace) => joined(outPath, toText(below));

function folderEntry(path: ByteString, directory: ImageDirectory | undefined): TarEntry {
  if (!directory) return { type: 'directory', path, mode: 0o755, size: 0 };
  const mode = Number.parseInt(directory.mode, 8);
  return { type: 'directory', path, mode, size: 0, uid: directory.uid, gid: directory.gid };
}

const conflict = (path: ByteString, one: string, other: string) =>
  new Failure(`/${visible(toText(path))} of the image comes from two: ${one} and ${other}.`, {
    layer: 'root',
    next: 'Take one of them out of the recipe (`root`, `folders`, `directories`), or rename the file in one.',
  });
