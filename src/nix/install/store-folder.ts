import { chmod, mkdir, readlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { lastLines } from '../../host/last-lines.ts';
import { isNamed, isThere, isWritable, refusalToWrite } from '../../host/presence.ts';
import type { Machine } from './machine.ts';
import type { RunPrivileged } from './privileged.ts';

/** What Nix needs below /nix before it can make the rest itself, outermost first. */
const folders = ['/nix', '/nix/store', '/nix/var', '/nix/var/nix'];

/**
 * Finds out, before anything is fetched, whether a store can be had in /nix, and changes nothing. Throws
 * a {@link Failure} where /nix is a link, can only be read, or has a store of somebody else.
 */
export async function checkStoreFolder(env: Host['env']): Promise<void> {
  if (env.NIX_IGNORE_SYMLINK_STORE !== '1') await refuseLinks();
  for (const folder of folders) {
    const there = await isNamed(folder);
    const refusal = await refusalToWrite(there ? folder : dirname(folder));
    if (refusal === 'EROFS') throw readOnly(folder, there);
    if (!there) return;
    if (refusal !== undefined && folder !== '/nix') throw ofSomebodyElse(folder);
  }
}

/**
 * Sees to it that this user can write /nix and what is in it: made as root where it must be. Throws
 * a {@link Failure} where a store of somebody else is there, or /nix cannot be made.
 */
export async function prepareStoreFolder(machine: Machine, run: RunPrivileged): Promise<void> {
  // one with a store in it is somebody's already, and keeps its owner
  const isOurs = (await isWritable('/nix')) || (await isThere('/nix/store'));
  if (!isOurs) await (machine.uid === 0 ? makeFolder('/nix') : makeAsRoot(machine, run));
  for (const folder of folders.slice(1)) {
    await makeFolder(folder).catch(() => undefined);
    if (!(await isWritable(folder))) throw ofSomebodyElse(folder);
  }
}

/** Makes a folder that everybody can enter, whatever the umask; one that is there stays as it is. */
export async function makeFolder(folder: string): Promise<void> {
  if (await isThere(folder)) return;
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}

/** Makes /nix for this user; one that is there already stays as it is. */
async function makeAsRoot(machine: Machine, run: RunPrivileged): Promise<void> {
  const owner = ['-o', String(machine.uid), '-g', String(machine.gid)];
  const { code, stderr } = await run('install', ['-d', '-m', '755', ...owner, '/nix']);
  if (code === 0) return;
  throw new Failure('The folder /nix could not be made.', {
    evidence: lastLines(stderr),
    tried: `install -d ${owner.join(' ')} /nix as root.`,
    next: 'Make /nix yourself (on a read-only system: mount a folder there) and run this again.',
  });
}

/** Nix takes no store that is reached through a link (its LocalStore says so when it is opened). */
async function refuseLinks(): Promise<void> {
  for (const folder of ['/nix', '/nix/store']) {
    const target = await readlink(folder).catch(() => undefined);
    if (target === undefined) continue;
    throw new Failure(`${folder} is a link to ${target}, and Nix takes no store behind a link.`, {
      tried: 'Nothing was fetched or unpacked.',
      next:
        `Mount the folder in its place: rm ${folder} && mkdir ${folder} && ` +
        `mount --bind ${target} ${folder}`,
    });
  }
}

function readOnly(folder: string, there: boolean): Failure {
  return new Failure(
    there
      ? `${folder} is on a file system that can only be read.`
      : `${folder} is not there, and ${dirname(folder)} is on a file system that can only be read.`,
    {
      tried: 'Nothing was fetched or unpacked.',
      next: 'Mount a folder that can be written at /nix, or use a machine on which Nix is installed.',
    },
  );
}

const ofSomebodyElse = (folder: string) =>
  new Failure(`${folder} is there and belongs to another user.`, {
    tried: `to write there as user ${process.getuid?.()}.`,
    next:
      'Use the Nix that this store belongs to (is its "bin" folder on PATH?), or run as the ' +
      'user that owns it, or remove /nix if nothing needs it.',
  });
