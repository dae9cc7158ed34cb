import { type RootTree, rootContent } from '../../src/image/root-layer.ts';
import type { TarEntry } from '../../src/image/tar-header.ts';
import type { ImageDirectory } from '../../src/image/types.ts';

/** The entries of a root layer without folders. */
export function rootEntries(
  roots: readonly { outPath: string; tree: RootTree }[],
  directories: readonly ImageDirectory[],
): TarEntry[] {
  const trees = new Map(roots.map(({ outPath, tree }) => [outPath, tree]));
  return rootContent({ roots: [...trees.keys()], folders: [], directories }, trees).entries;
}
