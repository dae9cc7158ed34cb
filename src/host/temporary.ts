import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.ts';
import type { Host } from './host.ts';

/** The folder for what does not last: the job's on a runner, else TMPDIR, else /tmp. */
export function temporaryParent(env: Host['env']): string {
  return env.RUNNER_TEMP || env.TMPDIR || '/tmp';
}

/**
 * Makes a folder of a random name that only this user can enter. Rejects with a {@link Failure} where
 * there is no folder for what does not last, or it cannot be written to.
 */
export async function newTemporaryFolder(prefix: string, env: Host['env']): Promise<string> {
  const parent = temporaryParent(env);
  return mkdtemp(join(parent, prefix)).catch((error: NodeJS.ErrnoException) => {
    const by = ['RUNNER_TEMP', 'TMPDIR'].find(name => env[name]);
    const why = error.code === 'ENOENT' ? 'it is not there' : error.message;
    throw new Failure(`No temporary folder can be made in ${parent}: ${why}.`, {
      ...(by === undefined ? {} : { tried: `The variable ${by} names it.` }),
      next: `Make it, or set ${by ?? 'TMPDIR'} to a folder that this user can write to.`,
      cause: error,
    });
  });
}
