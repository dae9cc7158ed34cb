import { toByteString } from '../../image/tar-header.ts';
import type { TreeFile } from './layout.ts';
import { refused } from './refused.ts';

/** A folder: its files and folders by name. */
export type Folder = Map<string, Folder | TreeFile>;

/** The files as a tree of folders. @throws Failure where two have one path, or one is a folder, too */
export function foldersOf(files: readonly TreeFile[]): Folder {
  const root: Folder = new Map();
  for (const file of files) {
    const parts = file.path.split('/');
    const name = parts.pop() ?? '';
    const folder = parts.reduce((parent, part) => folderIn(parent, part, file.path), root);
    const other = folder.get(name);
    if (other instanceof Map) throw refused(file.path, bothKinds);
    if (other !== undefined) throw refused(file.path, 'the tree would have it twice');
    folder.set(name, file);
  }
  return root;
}

const bothKinds = 'the tree would have it, or a folder above it, as a file and as a folder';

function folderIn(parent: Folder, name: string, path: string): Folder {
  const there = parent.get(name) ?? new Map();
  if (!(there instanceof Map)) throw refused(path, bothKinds);
  parent.set(name, there);
  return there;
}

/** What is in a folder, in the order of a NAR: by the bytes of the names. */
export function inOrder(folder: Folder): [name: string, Folder | TreeFile][] {
  return [...folder]
    .map(([name, node]): [string, Folder | TreeFile] => [toByteString(name), node])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
