import { createHash } from 'node:crypto';
import { frameSize } from './frames.ts';
import { nixDialect, type TarDialect } from './tar-header.ts';
import type { ImageDirectory, ImageFolder } from './types.ts';

/**
 * Raised whenever the bytes of a layer change for the same store paths: then nothing that was
 * remembered before is reused.
 */
export const formatVersion = 2;

/**
 * The key under which the memory knows a layer of store paths: hex sha256 of the JSON text
 * `["store", formatVersion, frameSize, tar dialect, [sorted store paths]]`. It does not hold the
 * compression, which the blob's media type tells.
 */
export function blobKey(storePaths: readonly string[]): string {
  return sha256(['store', formatVersion, frameSize, nixDialect, sortedOnce(storePaths)]);
}

/**
 * The key of a root layer: hex sha256 of the JSON text
 * `["root", formatVersion, frameSize, tar dialect, [root output paths], [directories]]`, where
 * output paths are sorted, and directories are sorted by path and given as [path, mode, uid, gid]. Where
 * there are folders, they follow: sorted by where they are, each as [at, [path and place in it, …]].
 */
export function rootKey(root: {
  roots: readonly string[];
  directories: readonly ImageDirectory[];
  folders?: readonly ImageFolder[] | undefined;
}): string {
  const directories = root.directories
    .map(({ path, mode, uid, gid }) => [path, mode, uid, gid] as const)
    .sort(byFirst);
  const folders = (root.folders ?? [])
    .map(({ at, from }) => [at, from.map(({ outPath, below }) => [outPath, below])] as const)
    .sort(byFirst);
  const roots = sortedOnce(root.roots);
  const more = folders.length > 0 ? [folders] : [];
  return sha256(['root', formatVersion, frameSize, nixDialect, roots, directories, ...more]);
}

/**
 * The key of a layer of store paths as another tool orders and owns them: hex sha256 of the JSON text
 * `["streamed", formatVersion, frameSize, tar dialect, [store paths in their order]]`.
 */
export function streamedKey(storePaths: readonly string[], dialect: TarDialect): string {
  return sha256(['streamed', formatVersion, frameSize, dialect, storePaths]);
}

const byFirst = (
  [one]: readonly [string, ...unknown[]],
  [other]: readonly [string, ...unknown[]],
) => (one < other ? -1 : one > other ? 1 : 0);

const sortedOnce = (paths: readonly string[]) => [...new Set(paths)].sort();

const sha256 = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
