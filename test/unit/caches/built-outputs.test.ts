import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { builtOutputs } from '../../../src/caches/built-outputs.ts';

const folder = await mkdtemp(join(tmpdir(), 'drv-'));
after(() => rm(folder, { recursive: true }));
const hash = 'q'.repeat(32);
let count = 0;

/** Writes a derivation with these outputs; an empty name is a path that is not known yet. */
async function derivation(outputs: string[], env: Record<string, string> = {}): Promise<string> {
  const list = outputs.map((name, at) => {
    const path = name === '' ? '' : `/nix/store/${hash}-${name}`;
    return `("out${at}","${path}","","")`;
  });
  const pairs = Object.entries(env).map(([name, value]) => `("${name}","${value}")`);
  const file = join(folder, `${count++}.drv`);
  const text = `Derive([${list}],[],[],"x86_64-linux","/bin/sh",[],[${pairs}])`;
  await writeFile(file, text);
  return file;
}

test('all outputs of a derivation count, but those whose path is not known', async () => {
  assert.deepEqual(builtOutputs(await derivation(['torch-2.10', 'torch-2.10-dev', ''])), [
    `/nix/store/${hash}-torch-2.10`,
    `/nix/store/${hash}-torch-2.10-dev`,
  ]);
});

test('image archives are left out', async () => {
  for (const name of [
    'comfyui.tar.gz',
    'comfyui.tar',
    'comfyui.tar.zst',
    'docker-image-comfyui.tar.gz',
    'docker-layer-comfyui',
  ]) {
    assert.deepEqual(builtOutputs(await derivation([name])), [], name);
  }
  const drv = await derivation(['stream-comfyui']);
  assert.deepEqual(builtOutputs(drv, new Set([drv])), []);
  assert.equal(builtOutputs(drv).length, 1);
});

test('a download is no image, whatever its name', async () => {
  const drv = await derivation(['source.tar.gz'], { outputHash: 'sha256-x' });
  assert.deepEqual(builtOutputs(drv), [`/nix/store/${hash}-source.tar.gz`]);
});

test('a derivation that cannot be read has none', () => {
  assert.deepEqual(builtOutputs(join(folder, 'missing.drv')), []);
});
