import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.ts';
import { type Lock, tryLock, tryLockInPlace } from './lock.ts';
import { namedAt, namesIn } from './presence.ts';

/** A file that is not complete yet, in the folder where it will have its name. */
export interface PartialFile {
  path: string;
  /** Gives it its name, in place of what had it. */
  complete(target: string): Promise<void>;
  /** Removes it; does nothing after `complete`. */
  discard(): Promise<void>;
}

const partialName = /^(\.partial-[0-9a-f]{16})(\.lock)?$/;
const lockOf = (partial: string) => `${partial}.lock`;

/**
 * A new name for a file that is not complete yet. Its lock, a file beside it, is held until it is
 * complete or discarded, so that a later run, in whatever container, can tell what a killed one left.
 * Rejects with the error of the file system where the folder takes no files.
 */
export async function partialFile(folder: string): Promise<PartialFile> {
  for (;;) {
    const path = join(folder, `.partial-${randomBytes(8).toString('hex')}`);
    // errors of the file system have codes, those of the lock have not
    await (await open(lockOf(path), 'wx', 0o600)).close();
    // another run may have taken the new lock for one that was left
    const lock = await tryLockInPlace(lockOf(path));
    if (lock) return underLock(path, lock);
  }
}

function underLock(path: string, lock: Lock): PartialFile {
  let isOver = false;
  const end = async () => {
    isOver = true;
    await rm(lockOf(path), { force: true });
    lock.release();
  };
  return {
    path,
    complete: async target => {
      await rename(path, target);
      await end();
    },
    discard: async () => {
      if (isOver) return;
      await rm(path, { force: true });
      await end();
    },
  };
}

/** Removes partial files of runs that have ended. What cannot be removed stays. */
export async function removeAbandoned(folder: string): Promise<void> {
  const names = await namesIn(folder);
  const partials = new Set(names.flatMap(name => partialName.exec(name)?.[1] ?? []));
  for (const partial of partials) {
    await removeIfAbandoned(join(folder, partial)).catch(() => undefined);
  }
}

async function removeIfAbandoned(path: string): Promise<void> {
  // in a folder of all, such as /tmp, another user's files may have such names
  if (!(await isOursOrGone(path)) || !(await isOursOrGone(lockOf(path)))) return;
  const lock = await tryLock(lockOf(path));
  if (!lock) return;
  try {
    await rm(path, { force: true });
    await rm(lockOf(path), { force: true });
  } finally {
    lock.release();
  }
}

async function isOursOrGone(path: string): Promise<boolean> {
  const stats = await namedAt(path);
  if (!stats) return true;
  return stats.isFile() && stats.nlink === 1 && stats.uid === process.geteuid?.();
}

/** A Failure for errors of the file system; any other error is returned as it is. */
export function writeFailure(error: unknown, path: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof Failure || code === undefined || !(error instanceof Error)) return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new Failure(
    full ? `There is no space left to write ${path}.` : `${path} could not be written: ${message}`,
    {
      tried: 'The partial file was removed; what was complete before is untouched.',
      next: full
        ? 'Free some space, or write it elsewhere, and run it again.'
        : 'Check the path and its permissions.',
      cause: error,
    },
  );
}
