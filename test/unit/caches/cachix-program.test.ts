import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findCachix } from '../../../src/caches/cachix-program.ts';
import type { Command, Finished } from '../../../src/host/process.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

/** A folder with an executable `bin/cachix`, and a Nix whose answer is given. */
async function machine(t: TestContext, answer: (folder: string) => Partial<Finished>) {
  const folder = await mkdtemp(join(tmpdir(), 'cachix-program-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/cachix'), '', { mode: 0o755 });
  const commands: Command[] = [];
  const run = async (command: Command) => {
    commands.push(command);
    return { code: 0, stdout: '', stderr: '', ...answer(folder) };
  };
  const find = (PATH: string) => {
    const host = quietHost({ env: { PATH }, run });
    const nix: Nix = { bin: '/n', version: '2.34.8', storeDir: '/nix/store', env: {}, host };
    return findCachix(nix, host, '/private');
  };
  return { folder, find, commands };
}

test('cachix on PATH is taken, and Nix is not asked', async t => {
  const { folder, find, commands } = await machine(t, () => ({ code: 1 }));
  const file = join(folder, 'bin/cachix');
  assert.deepEqual(await find(`relative:/nonexistent:${folder}/bin`), { file });
  assert.deepEqual(commands, []);
});

test('else it comes from nixpkgs, from whichever output has it', async t => {
  const { folder, find, commands } = await machine(t, built => ({
    stdout: JSON.stringify([{ drvPath: '/x.drv', outputs: { out: '/nonexistent', bin: built } }]),
  }));
  assert.deepEqual(await find('/nonexistent'), { file: join(folder, 'bin/cachix') });
  assert.deepEqual(
    commands.map(({ args }) => args.join(' ')),
    ['build nixpkgs#cachix --out-link /private/cachix --json'],
  );
});

test('where there is neither, the reason says what was tried and what to do', async t => {
  const stderr = "warning: x\nerror: unable to download 'https://channels.example'\n";
  const { find } = await machine(t, () => ({ code: 1, stderr }));
  const found = await find('');
  assert.ok('reason' in found);
  assert.match(found.reason, /not on PATH, .*nixpkgs#cachix failed \(error: unable to download/);
  assert.match(found.reason, /install cachix in a step before/);
});
