import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { Host } from '../../host/host.ts';
import { textAt } from '../../host/presence.ts';
import { requireHome } from '../../host/user.ts';

/** An entry of the cache and the key under which it is looked for. */
export interface EvaluationEntry {
  paths: readonly string[];
  key: string;
}

export const evaluationPrefix = 'comfy-nix-evaluation-';

/**
 * Nix's caches of fetched inputs and of evaluations. What Nix remembers of substituters is left out: it
 * is about another day.
 */
export function evaluationPaths(env: Host['env']): string[] {
  const folder =
    env.NIX_CACHE_HOME ?? join(env.XDG_CACHE_HOME ?? join(requireHome(env), '.cache'), 'nix');
  const names = ['fetcher-cache-v*', 'eval-cache-v*', 'tarball-cache*', 'gitv*'];
  return names.map(name => join(folder, name));
}

/** Those caches, by the lock file that decides what they hold. */
export async function evaluationEntry(
  flake: string,
  workingDirectory: string,
  env: Host['env'],
): Promise<EvaluationEntry> {
  const [reference = ''] = flake.split('#');
  const local = localFolder(reference, workingDirectory);
  const lock = (local && (await nearestLock(local))) ?? reference;
  return {
    paths: evaluationPaths(env),
    key: evaluationPrefix + createHash('sha256').update(lock).digest('hex').slice(0, 32),
  };
}

/** The folder that a flake reference names, if it names one. */
function localFolder(reference: string, workingDirectory: string): string | undefined {
  const path = reference.replace(/^path:/, '').replace(/\?.*$/, '');
  return /^[a-z][a-z+]*:/.test(path) ? undefined : resolve(workingDirectory, path);
}

/** flake.lock beside the flake, which Nix looks for upwards. */
async function nearestLock(folder: string): Promise<string | undefined> {
  const lock = await textAt(join(folder, 'flake.lock'));
  if (lock !== undefined || dirname(folder) === folder) return lock;
  return nearestLock(dirname(folder));
}
