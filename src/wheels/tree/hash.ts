import { isUtf8 } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { narFileEnd, narFileStart, narStrings } from '../../image/nar-writer.ts';
import { fileEntries, type NamedEntry } from './entries.ts';
import { programsOf } from './entry-points.ts';
import { bytesOfFile, wholeEntry } from './file-bytes.ts';
import { type Folder, foldersOf, inOrder } from './folders.ts';
import { entryPointsIn, layOut, type TreeFile, withPrograms } from './layout.ts';
import { refused } from './refused.ts';
import { withZip, type Zip } from './zip.ts';

/** What a wheel becomes by the rule of docs/wheel-trees.md. */
export interface WheelTree {
  /** SRI sha256 of its tree as a NAR: what Nix compares with a recursive `outputHash`. */
  unpacked: string;
  /** Folders of the wheel that its tree lacks. */
  leftOut: string[];
}

/**
 * Hashes the tree of a wheel without writing it, in bounded memory.
 *
 * @param name of the wheel, for errors
 * @throws Failure where the wheel has no tree: which entry, and why
 */
export function hashTree(file: string, name: string): Promise<WheelTree> {
  return withZip(file, name, async zip => {
    const { files, leftOut } = layOut(fileEntries(zip));
    const programs = await programsIn(zip, entryPointsIn(files, name));
    const root = foldersOf(withPrograms(files, programs));
    return { unpacked: await narHashOf(zip, root), leftOut };
  });
}

async function programsIn(
  zip: Zip,
  entryPoints: NamedEntry | undefined,
): Promise<Map<string, string>> {
  if (entryPoints === undefined) return new Map();
  const bytes = await wholeEntry(zip, entryPoints);
  if (!isUtf8(bytes)) throw refused(entryPoints.name, 'it is not UTF-8');
  return programsOf(bytes.toString(), entryPoints.name);
}

async function narHashOf(zip: Zip, root: Folder): Promise<string> {
  const hash = createHash('sha256').update(narStrings('nix-archive-1'));
  for (const part of narParts(root)) {
    if (Buffer.isBuffer(part)) hash.update(part);
    else await addFile(zip, part, hash);
  }
  return `sha256-${hash.digest('base64')}`;
}

function* narParts(folder: Folder): Generator<Buffer | TreeFile> {
  yield narStrings('(', 'type', 'directory');
  for (const [name, node] of inOrder(folder)) {
    yield narStrings('entry', '(', 'name', name, 'node');
    if (node instanceof Map) yield* narParts(node);
    else yield node;
    yield narStrings(')');
  }
  yield narStrings(')');
}

async function addFile(zip: Zip, file: TreeFile, hash: Hash): Promise<void> {
  const { size, chunks } = await bytesOfFile(zip, file);
  hash.update(narFileStart(size, file.isExecutable));
  for await (const chunk of chunks) hash.update(chunk);
  hash.update(narFileEnd(size));
}
