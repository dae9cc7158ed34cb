import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NixSettings } from '../../../src/nix/install/releases.ts';
import type { DriverArguments } from './install-driver.ts';

/**
 * Installs the real tarball of NIX_RELEASE_DIR again and again, each time in a mount namespace of
 * its own (`with-nix none`), where /nix and /etc/nix are empty and no Nix is on PATH.
 */

const repository = resolve(import.meta.dirname, '../../..');
const driver = join(import.meta.dirname, 'install-driver.ts');
const releases = resolve(process.env.NIX_RELEASE_DIR ?? 'build/nix-release');
export const tarball = join(
  releases,
  readdirSync(releases).find(name => name.endsWith('.tar.xz')) ?? '',
);
export const sha256 = readFileSync(`${tarball}.sha256`, 'utf8').trim();
export const version = readFileSync(join(releases, 'VERSION'), 'utf8').trim();

export const release: NixSettings = {
  installNix: 'release',
  nixReleaseUrl: pathToFileURL(tarball).href,
  nixReleaseSha256: sha256,
};

/** A build in the sandbox; its shell is the machine's static busybox. */
export const buildSomething = `
  shell=$(readlink -f "$(command -v busybox)")
  /nix/var/nix/profiles/default/bin/nix-build --no-out-link --option substituters '' \
    --option sandbox-paths "/bin/sh=$shell" --expr 'derivation {
      name = "proof"; system = builtins.currentSystem; builder = "/bin/sh";
      args = [ "-c" "echo built > $out" ];
    }'`;

/** Everything in /nix but the database's files, whose bytes depend on time. */
export const listNix = `
  find /nix -path /nix/var/nix/db -prune -o -printf '%P %M %U %l\\n' | LC_ALL=C sort`;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a shell script where there is no Nix; `$1` … are the arguments. */
export const withoutNix = (script: string, ...args: string[]) => inNamespace([], script, args);

/** The same with a folder as /nix, which others may have as theirs at the same time. */
export const withoutNixAt = (nix: string, script: string, ...args: string[]) =>
  inNamespace(['--nix', nix], script, args);

function inNamespace(
  options: readonly string[],
  script: string,
  args: readonly string[],
): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(
      join(repository, 'test/tools/with-nix'),
      ['none', ...options, '--', 'bash', '-c', script, 'bash', ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    child.once('error', fail);
    child.once('close', code => done({ code, ...output }));
  });
}

/** Fails with all that was said, unless the script ended well. */
export function succeeded(ended: Ended): string {
  assert.equal(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
  return ended.stdout;
}

export const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The shell command that runs the driver with these arguments. */
export function install(args: DriverArguments): string {
  return [process.execPath, driver, JSON.stringify(args)].map(quoted).join(' ');
}

/** Defines `as_user`, and shows this repository and the tarball where any user can read them. */
export const withUser = `set -e
  mount -t tmpfs -o mode=0755 tmpfs /mnt && mkdir /mnt/repository /mnt/releases
  mount --bind ${quoted(repository)} /mnt/repository
  mount --bind ${quoted(releases)} /mnt/releases
  mkdir /run/with-nix/user && chown nobody /run/with-nix/user && cd /run/with-nix/user
  mount -t tmpfs -o mode=0750 tmpfs /etc/sudoers.d
  echo 'nobody ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/nobody
  as_user() {
    setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$PWD" PATH=/usr/bin:/bin "$@"
  }`;

/** Like `install`, for such a user: with the Node and the files that `withUser` shows. */
export function installAsUser(more: Partial<NixSettings> = {}): string {
  const url = `file:///mnt/releases/${basename(tarball)}`;
  const args: DriverArguments = { settings: { ...release, nixReleaseUrl: url, ...more } };
  const node = '/mnt/repository/node_modules/node/bin/node';
  const script = `/mnt/repository/${relative(repository, driver)}`;
  return ['as_user', node, script, quoted(JSON.stringify(args))].join(' ');
}
