import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Failure } from './failure.ts';

/** After this long, in ms, a file of another machine counts as left behind. */
const abandonedAfter = 24 * 3600 * 1000;
const partialName = /^\.partial-(.*)-(\d+)-\d+$/;
let counter = 0;

/**
 * A name for a file that is not complete yet, in the folder where it will be renamed. It tells the
 * process that writes it, so that a later run can clear away what a killed one left.
 */
export function partialFile(folder: string): string {
  counter += 1;
  return join(folder, `.partial-${hostname()}-${process.pid}-${counter}`);
}

/** Removes partial files of runs that have ended. */
export async function removeAbandoned(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, machine, pid] = partialName.exec(name) ?? [];
    if (machine === undefined || pid === undefined) continue;
    const path = join(folder, name);
    const over =
      machine === hostname() ? !isRunning(Number(pid)) : (await age(path, now)) > abandonedAfter;
    if (over) await rm(path, { force: true });
  }
}

/** Whether a process of this machine is there; one that may not be signalled is. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Milliseconds since the file was written; 0 when it is gone. */
export async function age(path: string, now: number): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  return stats ? now - stats.mtimeMs : 0;
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
        ? 'Free some space, or write the image elsewhere, and run it again.'
        : 'Check the path and its permissions.',
      cause: error,
    },
  );
}
