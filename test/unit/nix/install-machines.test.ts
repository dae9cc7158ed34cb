import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { Host } from '../../../src/host/host.ts';
import { ensureNix } from '../../../src/nix/install/install.ts';
import { describeMachine } from '../../../src/nix/install/machine.ts';
import type { NixSettings } from '../../../src/nix/install/releases.ts';
import { quietHost } from '../../tools/host.ts';

/** As Nix has it where nobody says anything. */
const conf = { 'build-users-group': { value: 'no-such-group', defaultValue: 'nixbld' } };

/** A host on which the folder in PATH has programs of Nix, or none. */
async function hostOf(t: TestContext, hasNix: boolean): Promise<Host> {
  const bin = await mkdtemp(join(tmpdir(), 'machines-'));
  t.after(() => rm(bin, { recursive: true }));
  for (const name of hasNix ? ['nix', 'nix-store', 'git'] : ['git']) {
    await writeFile(join(bin, name), '');
    await chmod(join(bin, name), 0o755);
  }
  return quietHost({
    env: { PATH: bin },
    run: async ({ file, args }) => {
      const version = file.startsWith(bin) ? 'nix (Nix) 2.30.0\n' : '';
      const stdout = args.includes('--version') ? version : JSON.stringify(conf);
      return { code: 0, stdout, stderr: '' };
    },
  });
}

/** Makes this process one of another kind of machine. */
function on(t: TestContext, platform: NodeJS.Platform, arch: NodeJS.Architecture): void {
  const real = { platform: process.platform, arch: process.arch };
  const become = (kind: typeof real) => {
    for (const [name, value] of Object.entries(kind))
      Object.defineProperty(process, name, { value });
  };
  become({ platform, arch });
  t.after(() => become(real));
}

const settings = (installNix: NixSettings['installNix']): NixSettings => ({
  installNix,
});

const others = [
  ['darwin', 'arm64', 'aarch64-darwin'],
  ['linux', 'riscv64', 'riscv64-linux'],
  ['linux', 'ppc64', 'ppc64-linux'],
] as const;

for (const [platform, arch, system] of others) {
  test(`a Nix that is there is used on ${system}`, async t => {
    const host = await hostOf(t, true);
    on(t, platform, arch);
    assert.equal((await describeMachine(host)).system, system);
    for (const wish of ['none', 'auto'] as const) {
      const { nix, origin } = await ensureNix(settings(wish), host);
      assert.deepEqual([nix.version, nix.bin, origin], ['2.30.0', host.env.PATH, 'found']);
      // only the accounts of Linux are known to this program
      if (platform !== 'linux') assert.doesNotMatch(nix.env.NIX_CONFIG ?? '', /build-users/);
    }
  });
}

test('where none can be installed, one sentence says so', async t => {
  const host = await hostOf(t, false);
  on(t, 'darwin', 'arm64');
  await assert.rejects(ensureNix(settings('auto'), host), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /only be installed on Linux here; this is aarch64-darwin/);
    return true;
  });
});
