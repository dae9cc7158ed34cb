import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lockedInputs } from '../../../src/nix/lock-file.ts';

const lock = {
  version: 7,
  root: 'root',
  nodes: {
    root: { inputs: { nixpkgs: 'nixpkgs_2', tools: 'tools', private: 'private', same: ['tools'] } },
    nixpkgs_2: {
      locked: {
        ...{ type: 'github', owner: 'NixOS', repo: 'nixpkgs', rev: 'abc', narHash: 'sha256-x' },
        lastModified: 1_760_000_000,
      },
    },
    tools: {
      inputs: { nixpkgs: 'nixpkgs', systems: ['nixpkgs'] },
      locked: { type: 'tarball', url: 'https://user:secret@host.example/t.tar.gz?token=secret' },
    },
    nixpkgs: { locked: { type: 'path', path: '/somewhere', lastModified: 1e300 } },
    private: { locked: { type: 'git', url: 'ssh://git:secret@host.example/r.git', rev: 'def' } },
  },
};

async function flake(t: TestContext, text: string | undefined = JSON.stringify(lock)) {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'below/flake'), { recursive: true });
  await writeFile(join(folder, 'flake.nix'), '{ }');
  await writeFile(join(folder, 'flake.lock'), text);
  return folder;
}

test('inputs are named as the flake calls them, without a login', async t => {
  const folder = await flake(t);
  const nixpkgs = {
    ...{ name: 'nixpkgs', url: 'github:NixOS/nixpkgs', revision: 'abc' },
    lastModified: '2025-10-09T08:53:20.000Z',
  };
  assert.deepEqual(await lockedInputs('.#comfyui', folder, []), [
    nixpkgs,
    { name: 'tools', url: 'https://host.example/t.tar.gz' },
    { name: 'private', url: 'git+ssh://host.example/r.git', revision: 'def' },
    { name: 'tools/nixpkgs', url: 'path:/somewhere' },
  ]);
  const names = (inputs: Awaited<ReturnType<typeof lockedInputs>>) =>
    inputs?.map(each => each.name);
  assert.deepEqual(names(await lockedInputs(`path:${folder}`, '/', ['nixpkgs', 'tools'])), [
    'private',
  ]);
  assert.equal((await lockedInputs('.', join(folder, 'below'), []))?.length, 4, 'the one above');
  assert.equal((await lockedInputs('./..', join(folder, 'below'), []))?.length, 4);
});

test('a flake that is not in a folder here has no lock file here', async t => {
  const folder = await flake(t);
  for (const installable of [
    'github:o/r',
    'nixpkgs#hello',
    '.?dir=below',
    'path:./below',
    'git+file:.',
  ]) {
    assert.equal(await lockedInputs(installable, folder, []), undefined, installable);
  }
});

test('what is no lock file names no inputs', async t => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"root":"r"}',
    '{"root":"r","nodes":{"r":{"inputs":{"a":1}}}}',
  ]) {
    assert.equal(await lockedInputs('.', await flake(t, text), []), undefined, text);
  }
  const lost = '{"root":"r","nodes":{"r":{"inputs":{"a":"gone","b":"r"}}}}';
  assert.deepEqual(await lockedInputs('.', await flake(t, lost), []), []);
});
