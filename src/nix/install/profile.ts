import { randomUUID } from 'node:crypto';
import { mkdir, realpath, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isNamed } from '../../host/presence.ts';
import type { UnpackedRelease } from './unpack.ts';

/** The profile that Nix's own installers make; shells and later runs look there. */
const defaultProfile = '/nix/var/nix/profiles/default';

/** This program's own link to the Nix it installed, beside a default profile of the user. */
export const ownProfile = '/nix/var/nix/profiles/comfy-nix';

/**
 * Links the new Nix where it is found and protected from garbage collection; a default profile that
 * is there stays as it is. This is the last step of an installation: whoever finds the links finds
 * everything else done. Gives the folder of Nix's programs.
 */
export async function linkProfile(release: UnpackedRelease): Promise<string> {
  await link(release.cacert, '/nix/var/nix/gcroots/comfy-nix-cacert');
  await link(release.nix, ownProfile);
  if (!(await isNamed(defaultProfile))) {
    // the first generation, as `nix-env --set` would make it
    await link(release.nix, `${defaultProfile}-1-link`);
    await link('default-1-link', defaultProfile);
  }
  const target = await realpath(defaultProfile).catch(() => undefined);
  return join(target === release.nix ? defaultProfile : ownProfile, 'bin');
}

/** Makes or replaces a symbolic link in one step. */
async function link(target: string, path: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, fresh);
  await rename(fresh, path);
}
