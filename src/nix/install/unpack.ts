import { chmod, lstat, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { lastLines } from '../../host/last-lines.ts';
import { patience } from '../../host/limits.ts';
import { withLock } from '../../host/lock.ts';
import { isNamed, textAt } from '../../host/presence.ts';
import { findPackageManager, installAdvice, missingPrograms } from './packages.ts';

const store = '/nix/store';

/** What a release tarball has brought into the store; absolute store paths. */
export interface UnpackedRelease {
  nix: string;
  cacert: string;
}

/** Held while a release is unpacked: by one run at a time, of all containers that have this store. */
const lockFile = '/nix/var/nix/comfy-nix.lock';

/**
 * Brings the store paths of a release tarball into the store and registers them. It may be killed
 * at any point and repeated: paths come whole by a rename, those that are there are kept. Another run
 * that does the same is waited for.
 */
export function unpackRelease(tarball: string, host: Host): Promise<UnpackedRelease> {
  const request = { what: `${store} to install Nix`, limit: patience.unpack };
  return withLock(lockFile, request, host, () => unpackAlone(tarball, host));
}

async function unpackAlone(tarball: string, host: Host): Promise<UnpackedRelease> {
  await removeLeftovers(host);
  const folder = await mkdtemp(join(store, temporaryPrefix));
  try {
    await extract(tarball, folder, host);
    const release = await readInstaller(folder);
    await moveIntoStore(join(folder, 'store'));
    await register(release.nix, await readFile(join(folder, '.reginfo'), 'utf8'), host);
    return release;
  } finally {
    await removeTree(folder, host);
  }
}

/** Not a valid store path name, so Nix's garbage collector would remove it as well. */
const temporaryPrefix = '.comfy-nix-';

/** Removes what runs that were killed have left: whoever unpacks holds the lock, and we have it. */
async function removeLeftovers(host: Host): Promise<void> {
  for (const name of await readdir(store)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    // its `tar` may still be running; what cannot be removed now, the next run will
    await removeTree(join(store, name), host).catch(() => undefined);
  }
}

/** Unpacks through `tar` and `xz`, leaving out the release's own top folder. */
async function extract(tarball: string, folder: string, host: Host): Promise<void> {
  const missing = await missingPrograms(['tar', 'xz'], host.env);
  if (missing.length > 0) {
    throw new Failure(`Unpacking Nix needs ${missing.join(' and ')}, which this machine lacks.`, {
      next: installAdvice(missing, await findPackageManager(host.env)),
    });
  }
  const { code, stderr } = await host.run({
    file: 'tar',
    args: ['-x', '-J', '-o', '-p', '-f', tarball, '-C', folder, '--strip-components', '1'],
    signal: host.signal,
    limit: { what: 'tar to unpack Nix', ms: patience.unpack },
  });
  if (code === 0) return;
  throw new Failure('The Nix tarball could not be unpacked.', {
    evidence: lastLines(stderr),
    tried: `tar and xz on ${tarball}, into ${store}.`,
    next: /no space left/i.test(stderr)
      ? 'Free some space on the disk that holds /nix.'
      : 'Check that the tarball is a release of Nix in the official layout.',
  });
}

/** The official `install` script names Nix and the certificates in lines nix="…" and cacert="…". */
async function readInstaller(folder: string): Promise<UnpackedRelease> {
  const script = (await textAt(join(folder, 'install'))) ?? '';
  const value = (name: string) =>
    new RegExp(`^${name}="(/nix/store/[^"]+)"$`, 'm').exec(script)?.[1];
  const nix = value('nix');
  const cacert = value('cacert');
  if (nix && cacert && (await isNamed(join(folder, '.reginfo')))) return { nix, cacert };
  throw new Failure('The tarball does not have the layout of a Nix release.', {
    tried: 'to read the lines nix="…" and cacert="…" of its file install, and its file .reginfo.',
    next: 'Give the address of an official release tarball as `nix-release-url`.',
  });
}

/**
 * Moves each path to its place. A read-only folder must be writable while it moves; the mode that a
 * store path has is set afterwards, also for a path that a killed run had only just moved.
 */
async function moveIntoStore(from: string): Promise<void> {
  for (const name of await readdir(from)) {
    const source = join(from, name);
    const target = join(store, name);
    const isFolder = (await lstat(source)).isDirectory();
    if (!(await isNamed(target))) {
      if (isFolder) await chmod(source, 0o755);
      await rename(source, target);
    }
    if (isFolder) await chmod(target, 0o555);
  }
}

/** Loads the store's database, on the local store whatever the user's settings say. */
async function register(nix: string, reginfo: string, host: Host): Promise<void> {
  const { code, stderr } = await host.run({
    file: join(nix, 'bin/nix-store'),
    args: ['--load-db'],
    env: { NIX_REMOTE: 'local', NIX_CONFIG: 'build-users-group =' },
    stdin: reginfo,
    signal: host.signal,
    limit: { what: 'the new Nix to register its paths', ms: patience.unpack },
  });
  if (code === 0) return;
  throw new Failure(`The new Nix does not work: nix-store --load-db ended with ${code}.`, {
    evidence: lastLines(stderr),
    tried: `${nix}/bin/nix-store on the paths unpacked into ${store}.`,
    next: "Set `install-nix: system` for the distribution's Nix, or choose another `nix-version`.",
  });
}

/** Removes a folder that may hold read-only ones. */
async function removeTree(folder: string, host: Host): Promise<void> {
  const limit = { what: `the folder ${folder} to be removed`, ms: patience.program };
  await host.run({ file: 'chmod', args: ['-R', 'u+rwX', folder], limit });
  await rm(folder, { recursive: true, force: true });
}
