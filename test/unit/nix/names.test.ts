import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDerivationPath, isNixName, isStorePath } from '../../../src/nix/names.ts';

const hash = '0123456789abcdfghijklmnpqrsvwxyz';

test('names are those that Nix takes', () => {
  for (const name of ['a', 'torch-2.9.0+cu130', '.hidden', '..foo', 'a_b?=c', 'x'.repeat(211)]) {
    assert.ok(isNixName(name), name);
  }
  const wrong = ['', '.', '..', '.-x', '..-x', 'a b', 'a:b', 'a/b', 'a\n::error::x', 'é', 'a\0'];
  for (const name of [...wrong, 'x'.repeat(212), 'a\n']) assert.ok(!isNixName(name), name);
});

test('store paths are absolute, end in hash and name, and lead nowhere else', () => {
  for (const folder of ['/nix/store', '/home/u/.local/share/nix/root/nix/store']) {
    assert.ok(isStorePath(`${folder}/${hash}-a`));
    assert.ok(isDerivationPath(`${folder}/${hash}-a.drv`));
  }
  const wrong = [
    `${hash}-a`,
    `/nix/store/../${hash}-a`,
    `/nix/store/./${hash}-a`,
    `/nix//store/${hash}-a`,
    `/nix/store/${hash}-a/b`,
    `/nix/store/${hash}-a\n`,
    `/nix/st\nore/${hash}-a`,
    `/nix/store/${hash.replace('a', 'e')}-a`,
    `/nix/store/${hash}`,
    '/etc/shadow',
  ];
  for (const path of wrong) assert.ok(!isStorePath(path), path);
  assert.ok(!isDerivationPath(`/nix/store/${hash}-a`));
});
