import { rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { newTemporaryFolder, temporaryParent } from '../host/temporary.ts';
import type { Toolkit } from './toolkit.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Name of the state in which `main` tells `post` what to delete. */
export const directoryState = 'private-directory';

const prefix = 'comfy-nix-';

/**
 * Makes a folder that only this user can enter (mode 0700, by mkdtemp) for all that the run keeps
 * in files: credentials, roots against garbage collection. `post` learns of it before it is used.
 */
export async function makePrivateDirectory(env: Environment, toolkit: Toolkit): Promise<string> {
  const directory = await newTemporaryFolder(prefix, env);
  toolkit.saveState(directoryState, directory);
  return directory;
}

/** Deletes the folder that `main` made, if it came so far. Deletes no folder of another name. */
export async function deletePrivateDirectory(env: Environment, toolkit: Toolkit): Promise<void> {
  const directory = toolkit.getState(directoryState);
  if (directory === '') return;
  const ours =
    dirname(directory) === resolve(temporaryParent(env)) && basename(directory).startsWith(prefix);
  if (ours) await rm(directory, { recursive: true, force: true });
}
