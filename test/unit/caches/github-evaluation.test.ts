import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { evaluationEntry } from '../../../src/caches/github/evaluation.ts';

test('the key follows the lock file of the flake, and nothing else of it', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'flake-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'flake.lock'), 'one');
  const keyOf = async (flake: string) =>
    (await evaluationEntry(flake, folder, { HOME: '/home/user' })).key;
  const here = await keyOf('.#image');
  assert.match(here, /^comfy-nix-evaluation-[0-9a-f]{32}$/);
  assert.equal(await keyOf('.#other'), here);
  assert.equal(await keyOf('./sub#image'), here);
  assert.equal(await keyOf(`path:${folder}?dir=sub#image`), here);
  assert.notEqual(await keyOf('github:owner/name#image'), here);
  await writeFile(join(folder, 'flake.lock'), 'two');
  assert.notEqual(await keyOf('.#image'), here);
});

test("the paths are in Nix's own cache folder, wherever that is", async () => {
  const folderOf = async (env: Record<string, string>) =>
    (await evaluationEntry('.', '/nowhere', env)).paths[0];
  assert.equal(await folderOf({ HOME: '/home/user' }), '/home/user/.cache/nix/fetcher-cache-v*');
  assert.equal(await folderOf({ XDG_CACHE_HOME: '/cache' }), '/cache/nix/fetcher-cache-v*');
  assert.equal(await folderOf({ NIX_CACHE_HOME: '/own' }), '/own/fetcher-cache-v*');
});
