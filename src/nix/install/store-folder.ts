import { access, constants, mkdir } from 'node:fs/promises';
import { Failure } from '../../host/failure.ts';
import type { Machine } from './machine.ts';
import type { RunPrivileged } from './privileged.ts';

/**
 * Sees to it that this user can write /nix and what is in it: made as root where it must be. Throws
 * a {@link Failure} where a store of somebody else is there, or /nix cannot be made.
 */
export async function prepareStoreFolder(machine: Machine, run: RunPrivileged): Promise<void> {
  // one with a store in it is somebody's already, and keeps its owner
  const isOurs = (await writable('/nix')) || (await exists('/nix/store'));
  if (!isOurs) await makeRoot(machine, run);
  for (const folder of ['/nix/store', '/nix/var', '/nix/var/nix']) {
    await mkdir(folder, { recursive: true }).catch(() => undefined);
    if (await writable(folder)) continue;
    throw new Failure(`${folder} is there and belongs to another user.`, {
      tried: `to write there as user ${machine.uid}.`,
      next:
        'Use the Nix that this store belongs to (is its "bin" folder on PATH?), or run as the ' +
        'user that owns it, or remove /nix if nothing needs it.',
    });
  }
}

/** Makes /nix for this user; one that is there already stays as it is. */
async function makeRoot(machine: Machine, run: RunPrivileged): Promise<void> {
  const owner = ['-o', String(machine.uid), '-g', String(machine.gid)];
  const { code, stderr } = await run('install', ['-d', '-m', '755', ...owner, '/nix']);
  if (code === 0) return;
  throw new Failure('The folder /nix could not be made.', {
    evidence: stderr.trimEnd().split('\n').slice(-5),
    tried: `install -d ${owner.join(' ')} /nix as root.`,
    next: 'Make /nix yourself (on a read-only system: mount a folder there) and run this again.',
  });
}

const writable = (folder: string): Promise<boolean> =>
  access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );

const exists = (folder: string): Promise<boolean> =>
  access(folder).then(
    () => true,
    () => false,
  );
