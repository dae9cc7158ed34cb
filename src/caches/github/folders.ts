import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { temporaryParent } from '../../host/temporary.ts';
import type { CachedTarball } from './tarball.ts';

/**
 * Where entries are packed and unpacked: the same in each run of a workflow, since they are found by
 * their paths as well. The runner empties RUNNER_TEMP after the job.
 */
const cacheFolder = (env: Host['env']) => join(temporaryParent(env), 'comfy-nix-cache');

/** A target's name as a part of a file's name or a key. */
export const plainName = (target: string): string => target.replaceAll(/[^\w.-]/g, '_');

/** The folder of a target's NARs. */
export const targetFolder = (target: string, env: Host['env']): string =>
  join(cacheFolder(env), 'targets', plainName(target));

/** The tarball of the Nix release with this checksum (lower-case hex). */
export const cachedTarball = (sha256: string, env: Host['env']): CachedTarball => ({
  file: join(cacheFolder(env), 'nix-release', 'nix.tar.xz'),
  sha256,
  key: `comfy-nix-release-${sha256}`,
});
