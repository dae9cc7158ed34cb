import { Failure } from '../../host/failure.ts';
import { runNix } from '../../nix/nix.ts';
import type { Nix } from '../../nix/types.ts';

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

/**
 * Store paths that were built on this machine, or for it by another, since a moment (milliseconds since
 * the epoch). What a substituter had is signed by it; image archives and derivations are none of them.
 * Rejects with a {@link Failure}.
 */
export async function pathsBuiltSince(nix: Nix, since: number): Promise<string[]> {
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
  return entries
    .filter(([path, info]) => wasBuilt(info, since) && !isArchive(path))
    .map(([path]) => path);
}

function wasBuilt(
  { deriver, registrationTime = 0, signatures = [], ultimate }: Info,
  since: number,
) {
  const isNew = registrationTime >= Math.floor(since / 1000);
  return isNew && Boolean(deriver) && (ultimate === true || signatures.length === 0);
}

const isArchive = (path: string) => /-docker-(image|layer)-|\.tar(\.(gz|zst|xz))?$/.test(path);
