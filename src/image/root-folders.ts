import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';
import { childrenOf, type RootNode, type RootTree, UnexpandedFolder } from './root-tree.ts';
import { type ByteString, toByteString } from './tar-header.ts';
import type { ImageFolder, TreePlace } from './types.ts';

/** A tree that is merged into a folder, and where it is in the store. */
export interface FolderTree {
  outPath: string;
  below: ByteString;
  node: RootTree;
}

/**
 * What is merged into each folder, by its path without the leading slash. What a source does not have it
 * does not bring. Throws a {@link Failure} where none of them has anything, or one has a file there, and an
 * {@link UnexpandedFolder} where a tree does not say enough.
 */
export function folderTrees(
  folders: readonly ImageFolder[],
  trees: ReadonlyMap<string, RootTree>,
): Map<ByteString, FolderTree[]> {
  return new Map(
    folders.map(({ at, from }) => {
      const once = new Map(from.map(place => [`${place.outPath}/${place.below}`, place]));
      const found = [...once.values()].flatMap(place => treeAt(place, trees) ?? []);
      if (found.length === 0) throw isEmpty(at, from);
      return [toByteString(at).slice(1), found];
    }),
  );
}

function treeAt(place: TreePlace, trees: ReadonlyMap<string, RootTree>): FolderTree | undefined {
  const { outPath } = place;
  const below = toByteString(place.below);
  let node: RootNode = trees.get(outPath) ?? {};
  const passed: ByteString[] = [];
  for (const name of below.split('/').filter(Boolean)) {
    const children: RootTree | undefined = childrenOf(node);
    if (children === undefined && node === 1) throw new UnexpandedFolder(outPath, passed.join('/'));
    const child = children && Object.hasOwn(children, name) ? children[name] : undefined;
    if (child === undefined) return undefined;
    node = child;
    passed.push(name);
  }
  const children = childrenOf(node);
  if (children) return { outPath, below, node: children };
  throw node === 1 ? new UnexpandedFolder(outPath, below) : isFile(place);
}

const isEmpty = (at: string, from: readonly TreePlace[]) =>
  new Failure(
    `Nothing is in the folder ${visible(at)} of the image: none of its sources is there.`,
    {
      layer: 'root',
      evidence: from.slice(0, 10).map(place => `there is no ${shown(place)}`),
      next: 'Correct `from` of this folder in the recipe, or take the folder out of `folders`.',
    },
  );

const isFile = (place: TreePlace) =>
  new Failure(`${shown(place)} is no folder, so it cannot be merged into one.`, {
    layer: 'root',
    next: 'Name the folder that it is in, in `from` of the recipe.',
  });

const shown = ({ outPath, below }: TreePlace) => visible(below ? `${outPath}/${below}` : outPath);
