// What is at a path of this machine. Nothing here rejects: what this user may not look at counts as not
// being there, which whoever needs it finds out with the system's own words.

import { constants, type Stats } from 'node:fs';
import { access, lstat, readdir, readFile, stat } from 'node:fs/promises';

/** What is at a path, links followed; undefined where nothing is. */
export const statsAt = (path: string): Promise<Stats | undefined> =>
  stat(path).catch(() => undefined);

/** What has this name itself, be it a link; undefined where nothing has it. */
export const namedAt = (path: string): Promise<Stats | undefined> =>
  lstat(path).catch(() => undefined);

/** Whether there is anything, links followed. */
export const isThere = (path: string): Promise<boolean> => isAllowed(path, constants.F_OK);

/** Whether anything has this name: a link counts by itself, wherever it leads. */
export const isNamed = async (path: string): Promise<boolean> =>
  (await namedAt(path)) !== undefined;

/** Whether this user may read it, write to it, and run it; for a folder the last means to enter it. */
export const isReadable = (path: string): Promise<boolean> => isAllowed(path, constants.R_OK);
export const isWritable = (path: string): Promise<boolean> => isAllowed(path, constants.W_OK);
export const isExecutable = (path: string): Promise<boolean> => isAllowed(path, constants.X_OK);

/** The system's code for why it cannot be written to, such as EROFS; undefined where it can. */
export const refusalToWrite = (path: string): Promise<string | undefined> =>
  access(path, constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );

const isAllowed = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

/** The text of a file of ours or of the machine; undefined where none can be read. */
export const textAt = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch(() => undefined);

/**
 * The text of an ordinary file that has no more than so many bytes; undefined for everything else: a
 * pipe or a device would be waited for.
 */
export async function shortTextAt(file: string, most: number): Promise<string | undefined> {
  const stats = await statsAt(file);
  return stats?.isFile() && stats.size <= most ? textAt(file) : undefined;
}

/** The names in a folder; none where there is no such folder. */
export const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** For `.catch` of a question to the file system: what is not there is undefined, all else an error. */
export function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
