import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { isThere } from '../../host/presence.ts';
import { newTemporaryFolder } from '../../host/temporary.ts';
import { machineCertificates } from './certificates.ts';
import { configure } from './configure.ts';
import { fetchTarball, type Transport } from './download.ts';
import { type Installed, nixInstalledIn } from './installed.ts';
import type { Machine } from './machine.ts';
import { privilegedRunner } from './privileged.ts';
import { linkProfile } from './profile.ts';
import type { Release } from './releases.ts';
import { checkStoreFolder, prepareStoreFolder } from './store-folder.ts';
import { throughToolCache } from './tool-cache.ts';
import { type UnpackedRelease, unpackRelease } from './unpack.ts';

/**
 * Installs an official release: fetched, verified, unpacked, configured, linked. A server that
 * cannot be reached is a result and not an error, for there may be another way.
 */
export async function installRelease(
  release: Release,
  machine: Machine,
  host: Host,
  server: Transport,
): Promise<Installed | { unreachable: string }> {
  await checkStoreFolder(host.env);
  const folder = await newTemporaryFolder('comfy-nix-release-', host.env);
  try {
    const source = throughToolCache(release, machine.system, host, server);
    const fetched = await fetchTarball(release, join(folder, 'nix.tar.xz'), host, source);
    if ('unreachable' in fetched) return fetched;
    await prepareStoreFolder(machine, privilegedRunner(machine, host));
    return await adopt(await unpackRelease(fetched.file, host), machine, host);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Settings and links for a release whose paths are in the store. */
async function adopt(release: UnpackedRelease, machine: Machine, host: Host): Promise<Installed> {
  const ofMachine = await machineCertificates(host);
  const ofRelease = join(release.cacert, 'etc/ssl/certs/ca-bundle.crt');
  const brought = {
    certificates: ofMachine === undefined ? ofRelease : undefined,
    sandboxShell: await shippedShell(release),
  };
  const config = await configure(brought, machine, host);
  const bin = await linkProfile(release);
  const env = { ...config, NIX_SSL_CERT_FILE: ofMachine ?? ofRelease };
  return nixInstalledIn(bin, env, machine, host);
}

/**
 * The official release has the path of its sandbox shell built in. One that was made from a
 * distribution's packages has a path of that distribution, and ships the shell as libexec/nix/sh.
 */
async function shippedShell(release: UnpackedRelease): Promise<string | undefined> {
  const shell = join(release.nix, 'libexec/nix/sh');
  return (await isThere(shell)) ? shell : undefined;
}
