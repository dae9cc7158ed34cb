import { chmod, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { partialFile, removeAbandoned } from './partial-files.ts';

/**
 * Puts a text of ours into a file's place, whole or not at all, with this mode whatever the umask and
 * whatever was there: who reads it meanwhile sees the earlier text or this one, and several runs may
 * write it at the same time. What one that was killed has left beside it is taken away. Rejects with an
 * error of the file system. (As root, by programs: `placeFile` of hands.ts; what the user named:
 * output-file.ts.)
 */
export async function writeWhole(file: string, text: string | Buffer, mode: number): Promise<void> {
  const folder = dirname(file);
  await removeAbandoned(folder);
  const partial = await partialFile(folder);
  try {
    await writeFile(partial.path, text, { mode, flag: 'wx' });
    await chmod(partial.path, mode);
    await partial.complete(file);
  } finally {
    await partial.discard();
  }
}

/** The same for what this user alone may read, as it holds a secret or may do so. */
export const writePrivate = (file: string, text: string | Buffer): Promise<void> =>
  writeWhole(file, text, 0o600);
