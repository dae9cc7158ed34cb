import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../../src/host/host.ts';
import type { Command } from '../../../src/host/process.ts';
import { findNix, isAtLeast, nixEnvironment, parseVersion } from '../../../src/nix/nix.ts';
import { quietHost } from '../../tools/host.ts';

test('every kind of Nix tells its version', () => {
  const said = {
    'nix (Nix) 2.8.0\n': '2.8.0',
    'nix (Nix) 2.34.8\n': '2.34.8',
    'nix (Nix) 2.25.0pre20240910_abcdef0\n': '2.25.0pre20240910_abcdef0',
    'nix (Determinate Nix 3.8.2) 2.30.2\n': '2.30.2',
    'nix (Lix, like Nix) 2.93.0\nSystem type: x86_64-linux\n': '2.93.0',
    'nix: command failed\n': undefined,
    '': undefined,
  };
  for (const [line, version] of Object.entries(said)) assert.equal(parseVersion(line), version);
});

test('versions compare by number', () => {
  assert.ok(isAtLeast('2.8.0', '2.8'));
  assert.ok(isAtLeast('2.34.8', '2.8'));
  assert.ok(isAtLeast('3.0', '2.8'));
  assert.ok(isAtLeast('2.25.0pre20240910', '2.25'));
  assert.ok(!isAtLeast('2.7.9', '2.8'));
  assert.ok(!isAtLeast('1.99', '2.8'));
});

test("flakes are enabled on top of the user's NIX_CONFIG", () => {
  const flakes = 'extra-experimental-features = nix-command flakes';
  assert.deepEqual(nixEnvironment({}), { NIX_CONFIG: flakes });
  assert.deepEqual(nixEnvironment({ NIX_CONFIG: 'max-jobs = 3' }), {
    NIX_CONFIG: `max-jobs = 3\n${flakes}`,
  });
});

/** Folders with programs called nix and nix-store, and a host in which each says its version. */
async function machine(versions: Record<string, string>) {
  const root = await mkdtemp(join(tmpdir(), 'machine-'));
  const started: string[] = [];
  for (const folder of Object.keys(versions)) {
    await mkdir(join(root, folder), { recursive: true });
    for (const name of ['nix', 'nix-store']) {
      await writeFile(join(root, folder, name), '');
      await chmod(join(root, folder, name), 0o755);
    }
  }
  const run = async ({ file }: Command) => {
    started.push(file);
    const folder = Object.keys(versions).find(name => file === join(root, name, 'nix')) ?? '';
    return { code: 0, stdout: `nix (Nix) ${versions[folder]}\n`, stderr: '' };
  };
  const host = (env: Host['env']) => quietHost({ env, run });
  return { root, host, started };
}

test('the first recent Nix on PATH is taken, and asked once', async t => {
  const { root, host, started } = await machine({ old: '2.3.16', good: '2.18.1', later: '2.30.0' });
  t.after(() => rm(root, { recursive: true }));
  const path = ['nothing', 'good', 'later'].map(name => join(root, name)).join(':');
  const nix = await findNix(host({ PATH: `relative:${path}` }));
  assert.equal(nix?.bin, join(root, 'good'));
  assert.equal(nix.version, '2.18.1');
  assert.equal(nix.storeDir, '/nix/store');
  assert.deepEqual(started, [join(root, 'good/nix')]);

  const second = await findNix(host({ PATH: `${join(root, 'old')}:${path}` }));
  assert.equal(second?.bin, join(root, 'good'));
});

test("a Nix in the user's profile is found though PATH lacks it", async t => {
  const { root, host } = await machine({ '.nix-profile/bin': '2.24.0' });
  t.after(() => rm(root, { recursive: true }));
  const nix = await findNix(host({ PATH: '/nonexistent', HOME: root, NIX_STORE_DIR: '/my/store' }));
  // unless the machine has one for all users, which comes first
  if (nix?.bin !== '/nix/var/nix/profiles/default/bin') {
    assert.equal(nix?.bin, join(root, '.nix-profile/bin'));
  }
  assert.equal(nix?.storeDir, '/my/store');
});

test('an empty HOME is the home folder of the account for Nix', () => {
  assert.equal(nixEnvironment({ HOME: '' }).HOME, userInfo().homedir);
  assert.equal(nixEnvironment({ HOME: '/elsewhere' }).HOME, undefined);
});
