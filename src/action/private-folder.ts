import { constants } from 'node:fs';
import { chmod, mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readAfterState } from '../commands/after-state.ts';
import type { AfterState } from '../commands/outcome.ts';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import {
  isPrivate,
  isRunName,
  makeRunFolder,
  type RunFolder,
  removeLeft,
  takeUpFolder,
} from '../host/run-folder.ts';
import { temporaryParent } from '../host/temporary.ts';
import type { Toolkit } from './toolkit.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Name of the state by which `main` tells `post` which folder was its own: a random name and nothing
 * else, since builders and other steps could write that state as well.
 */
export const runState = 'run';

/** In the run's folder: what is left to do at the end of the job. */
const afterName = 'after.json';

/**
 * The folder of all runs of a job, which this user alone can enter: found by RUNNER_TEMP and our name.
 * Users have one each: a container's root leaves what the runner's own user cannot remove.
 */
const privateFolder = (env: Environment): string =>
  join(resolve(temporaryParent(env)), `comfy-nix-${process.getuid?.() ?? 0}`);

/** Runs of the same job wait for their `post`; what other jobs have left is removed. */
const jobOf = (env: Environment): string =>
  [env.GITHUB_RUN_ID, env.GITHUB_RUN_ATTEMPT, env.GITHUB_JOB].join(' ');

/**
 * Makes the folder for all that the run keeps in files: credentials, roots against garbage collection.
 * `post` learns of it before it is used. Rejects with a {@link Failure} where there can be none.
 */
export async function beginRun(env: Environment, toolkit: Toolkit): Promise<RunFolder> {
  const parent = privateFolder(env);
  await mkdir(parent).then(
    () => chmod(parent, 0o700),
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw notUsable(parent, error.message);
    },
  );
  if (!(await isPrivate(parent))) throw notUsable(parent, 'others can enter it, or it is not ours');
  const job = jobOf(env);
  await removeLeft(parent, { job });
  const folder = await makeRunFolder(parent, { job, env });
  toolkit.saveState(runState, folder.name);
  return folder;
}

/** Keeps what `post` has to do; the file is written once. */
export async function keepAfter({ path }: RunFolder, after: AfterState): Promise<void> {
  const file = await open(join(path, afterName), 'wx', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(JSON.stringify(after));
  } finally {
    await file.close();
  }
}

/** What `post` finds of `main`: its folder, and what is left to do where it came so far. */
export interface FoundRun {
  folder: RunFolder;
  after: AfterState | undefined;
}

/**
 * Finds the run that the state names. Undefined where `main` never came so far. Rejects with a
 * {@link Failure} where anything is not as `main` has left it; nothing of it is to be believed then.
 */
export async function findRun(env: Environment, toolkit: Toolkit): Promise<FoundRun | undefined> {
  const name = toolkit.getState(runState);
  if (name === '') return undefined;
  const parent = privateFolder(env);
  if (!(await isPrivate(parent))) throw notAsLeft(`${parent} is not this user's alone`);
  const folder = isRunName(name) ? await takeUpFolder(parent, name) : undefined;
  if (folder === undefined) throw notAsLeft('its state names no run of this job');
  try {
    return { folder, after: await readAfter(folder) };
  } catch (error) {
    folder.leave();
    throw error;
  }
}

/** Removes the folders of all runs that are not under way, where the folder of them is ours. */
export async function removeRuns(env: Environment): Promise<void> {
  const parent = privateFolder(env);
  if (await isPrivate(parent)) await removeLeft(parent);
}

async function readAfter({ path }: RunFolder): Promise<AfterState | undefined> {
  const name = join(path, afterName);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(name, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw notAsLeft(`${name} cannot be read (${error.code})`);
  });
  if (file === undefined) return undefined;
  try {
    const { mode, uid, nlink, size } = await file.stat();
    const isRight =
      (mode & constants.S_IFMT) === constants.S_IFREG &&
      (mode & 0o777) === 0o600 &&
      uid === process.getuid?.() &&
      nlink === 1 &&
      size <= limits.afterState;
    const after = isRight ? readAfterState(await file.readFile('utf8')) : undefined;
    if (after === undefined) throw notAsLeft(`${name} is not what was written`);
    return after;
  } finally {
    await file.close();
  }
}

const notAsLeft = (why: string) =>
  new Failure(`What the step has left for the end of the job cannot be trusted: ${why}.`, {
    tried: 'Its folders were deleted; nothing was pushed or saved, and no program was run.',
    next: 'See which step or which build of this job writes to RUNNER_TEMP or to the state of others.',
  });

const notUsable = (folder: string, why: string) =>
  new Failure(`The folder ${folder}, where this run keeps its files, cannot be used: ${why}.`, {
    next: 'Remove it, and let RUNNER_TEMP name a folder that this user can write to.',
  });
