import { isImageArchive } from '../../caches/built-outputs.ts';
import { explain, Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { runNix } from '../../nix/nix.ts';
import type { Nix } from '../../nix/types.ts';
import type { Pushes } from './pushes.ts';

/** What `nix path-info --json` says of a path, as far as all versions say it. */
interface Info {
  path?: string;
  /** Absent where nobody built the path (sources). */
  deriver?: string | null;
  /** Seconds since the epoch. */
  registrationTime?: number;
  signatures?: readonly string[];
  /** Built on this machine, by itself. */
  ultimate?: boolean;
}

/** Pushes what was built since a moment; a store that cannot be searched is a warning. */
export async function pushBuiltSince(
  since: number,
  pushes: Pick<Pushes, 'push'>,
  nix: Nix,
  host: Host,
): Promise<void> {
  try {
    for (const path of await pathsBuiltSince(nix, since)) pushes.push(path);
  } catch (error) {
    host.emit({ type: 'warning', message: explain(error), at: host.clock() });
  }
}

/**
 * Store paths that were built on this machine, or for it by another, since a moment (milliseconds since
 * the epoch); image archives are none of them. Rejects with a {@link Failure}.
 *
 * Nix keeps no list of what a run has built, so this goes by what it keeps of each path:
 * - when it became valid, in whole seconds. What was built earlier in that very second counts as well:
 *   it is of the same job, and a cache that has it already is not sent it again. A path that was there
 *   before keeps its time, also when it is asked for, checked or repaired;
 * - who made it: sources and derivations have no deriver;
 * - whose word it is: what a substituter had is signed by it. A path without signatures came from a
 *   builder or a store that is trusted without them (what GitHub's cache gave back, for one): it was
 *   built for this repository, and no public cache has it.
 */
async function pathsBuiltSince(nix: Nix, since: number): Promise<string[]> {
  const { code, stdout, stderr } = await runNix(nix, 'nix', ['path-info', '--all', '--json']);
  if (code !== 0) {
    throw new Failure('The store could not be searched for what was built.', {
      evidence: stderr.trimEnd().split('\n').slice(-5),
      tried: 'nix path-info --all --json.',
    });
  }
  return builtSince(JSON.parse(stdout) as Record<string, Info> | Info[], since);
}

/** The same of what Nix says: a list in old versions, an object by path in newer ones. */
export function builtSince(infos: Record<string, Info> | Info[], since: number): string[] {
  const entries = Array.isArray(infos)
    ? infos.map(info => [info.path ?? '', info] as const)
    : Object.entries(infos);
  return entries.filter(([path, info]) => wasBuilt(path, info, since)).map(([path]) => path);
}

function wasBuilt(
  path: string,
  { deriver, registrationTime = 0, signatures = [], ultimate }: Info,
  since: number,
): boolean {
  if (!deriver || registrationTime < Math.floor(since / 1000)) return false;
  const isOurs = ultimate === true || signatures.length === 0;
  return isOurs && !isImageArchive(path, deriver);
}
