import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from './host.ts';
import { retries } from './limits.ts';
import { type Lock, tryLockInPlace } from './lock.ts';
import { isNamed, namedAt, namesIn, textAt } from './presence.ts';
import { noTemporaryFolder } from './temporary.ts';

/** A folder that one run has for itself, for all that it keeps in files; its lock is held meanwhile. */
export interface RunFolder {
  name: string;
  /** Absolute where its parent is. */
  path: string;
  /** Deletes it with all that is in it. */
  remove(): Promise<void>;
  /** Lets go of it for a later phase of the same job. */
  leave(): void;
}

/** What is said of a new folder. */
export interface RunFolderOptions {
  prefix?: string;
  /** The one that takes the folder up again after this process, see {@link removeLeft}. */
  job?: string | undefined;
  /** The environment that chose the parent, for the words of an error. */
  env?: Host['env'];
}

/** Held while a run works: a folder whose lock is free was left. */
const lockName = 'lock';

/** Names the job whose later phase a folder waits for, where there is one. */
const jobName = 'job';

/**
 * Makes a folder, named `prefix` and 16 random hex digits, that this user alone can enter, whatever
 * the umask is. Rejects with a {@link Failure} where the parent cannot be written to.
 */
export async function makeRunFolder(
  parent: string,
  { prefix = '', job, env }: RunFolderOptions = {},
): Promise<RunFolder> {
  let problem: unknown;
  for (let attempt = 0; attempt < retries.clearedAway; attempt++) {
    const name = prefix + randomBytes(8).toString('hex');
    const path = join(parent, name);
    try {
      await mkdir(path);
      await chmod(path, 0o700);
      if (job !== undefined) await writeFile(join(path, jobName), job);
      const folder = await lockedFolder(parent, name);
      if (folder) return folder;
    } catch (error) {
      problem = error;
      if (!(await isNamed(parent))) break;
    }
    // another run that clears away may have taken it just before its lock was held
  }
  const reason = problem instanceof Error ? problem : new Error('others remove it at once');
  throw noTemporaryFolder(parent, reason, env);
}

/** Takes up what {@link makeRunFolder} made; undefined where it is not ours, not there, or in use. */
export async function takeUpFolder(parent: string, name: string): Promise<RunFolder | undefined> {
  return (await isPrivate(join(parent, name))) ? lockedFolder(parent, name) : undefined;
}

/**
 * Removes folders of runs that ended and took nothing away (killed ones): of this user, named `prefix`
 * and 16 hex digits, with a lock that is free. One that waits for a later phase of `job` stays, of
 * other jobs it does not. What cannot be removed stays as well: it is in nobody's way.
 */
export async function removeLeft(
  parent: string,
  { prefix = '', job }: { prefix?: string; job?: string | undefined } = {},
): Promise<void> {
  for (const name of await namesIn(parent)) {
    if (!name.startsWith(prefix) || !isRunName(name.slice(prefix.length))) continue;
    const path = join(parent, name);
    const its = await textAt(join(path, jobName));
    if (its !== undefined && its === job) continue;
    if (!(await isNamed(join(path, lockName)))) continue;
    const folder = await takeUpFolder(parent, name).catch(() => undefined);
    await folder?.remove().catch(() => undefined);
  }
}

/** Whether a name is one that {@link makeRunFolder} gives, without its prefix. */
export const isRunName = (name: string): boolean => /^[0-9a-f]{16}$/.test(name);

/** Whether this is a folder, no link to one, that belongs to this user and nobody else can enter. */
export async function isPrivate(path: string): Promise<boolean> {
  const stats = await namedAt(path);
  if (!stats?.isDirectory() || (stats.mode & 0o777) !== 0o700) return false;
  return stats.uid === process.getuid?.();
}

async function lockedFolder(parent: string, name: string): Promise<RunFolder | undefined> {
  const path = join(parent, name);
  const lock = await tryLockInPlace(join(path, lockName));
  if (lock === undefined) return undefined;
  return { name, path, remove: () => removeLocked(path, lock), leave: () => lock.release() };
}

async function removeLocked(path: string, lock: Lock): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } finally {
    lock.release();
  }
}
