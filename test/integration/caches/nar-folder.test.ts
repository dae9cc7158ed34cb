import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { addPaths, pathsIn } from '../../../src/caches/github/nar-folder.ts';
import { runNix } from '../../../src/nix/nix.ts';
import { queryValid } from '../../../src/nix/store.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { workbench } from '../nix/workbench.ts';

const unique = () => `n${process.pid}-${Math.random().toString(36).slice(2)}`;

/** Runs nix-store, which has to succeed. */
async function nixStore(nix: Nix, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runNix(nix, 'nix-store', args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** Bytes that are as long as several frames and do not compress to nothing. */
function manyBytes(seed: string, count: number): Buffer {
  const piece = createHash('sha512').update(seed).digest();
  return Buffer.from(Buffer.alloc(count, piece).map((byte, at) => byte ^ (at >> 12)));
}

/** A path of the store with all that a NAR can hold. */
async function addTree(nix: Nix, folder: string): Promise<string> {
  const tree = join(folder, unique());
  await mkdir(join(tree, 'empty'), { recursive: true });
  await writeFile(join(tree, 'large'), manyBytes(tree, 11_000_001));
  await writeFile(join(tree, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(tree, 'nothing'), '');
  await writeFile(Buffer.concat([Buffer.from(`${tree}/byte-`), Buffer.from([0xe4])]), 'a name');
  await symlink('../large', join(tree, 'empty', 'link'));
  return nixStore(nix, '--add', tree);
}

async function setUp(t: TestContext) {
  const { nix, folder } = await workbench(t);
  const path = await addTree(nix, folder);
  const nars = join(folder, 'nars');
  const restore = () =>
    runNix(nix, 'nix-store', [
      ...['--realise', path, '--option', 'substituters', `file://${nars}?trusted=true`],
    ]);
  return { nix, folder, path, nars, restore };
}

test('what was added comes back as it was', async t => {
  const { nix, path, nars, restore } = await setUp(t);
  const small = await nixStore(nix, '--add', import.meta.filename);
  const hash = await nixStore(nix, '--query', '--hash', path);
  const { added, leftOut } = await addPaths(nix, nars, [path, small], 1e9);
  assert.deepEqual(leftOut, []);
  assert.deepEqual(
    added.map(({ storePath }) => storePath),
    [path, small],
  );
  assert.deepEqual(
    new Set(added.map(each => each.size)),
    new Set((await pathsIn(nars)).map(each => each.size)),
  );
  await nixStore(nix, '--delete', path, small);
  await assert.rejects(lstat(path));
  assert.equal((await restore()).code, 0);
  await nixStore(nix, '--verify-path', path);
  assert.equal(await nixStore(nix, '--query', '--hash', path), hash);
  assert.equal((await lstat(join(path, 'program'))).mode & 0o777, 0o555);
});

test('an entry that is damaged leaves nothing that counts as valid', async t => {
  const { nix, path, nars, restore } = await setUp(t);
  await addPaths(nix, nars, [path], 1e9);
  await nixStore(nix, '--delete', path);
  const [nar = ''] = await readdir(join(nars, 'nar'));
  const file = join(nars, 'nar', nar);
  const { size } = await lstat(file);
  await truncate(file, size - 1000);
  assert.notEqual((await restore()).code, 0);
  assert.deepEqual(await queryValid(nix, [path]), new Set());
  const bytes = await readFile(file);
  bytes.fill(0, size >> 1, (size >> 1) + 100);
  await writeFile(file, bytes);
  assert.notEqual((await restore()).code, 0);
  assert.deepEqual(await queryValid(nix, [path]), new Set());
});

test('a path that is not what the database says is not added', async t => {
  const { nix, path, nars } = await setUp(t);
  await chmod(join(path, 'program'), 0o444);
  await assert.rejects(
    addPaths(nix, nars, [path], 1e9),
    /is not what the Nix store's database says/,
  );
  assert.deepEqual(await pathsIn(nars), []);
});

test('a path that does not fit leaves no file, and a smaller one may follow', async t => {
  const { nix, path, nars } = await setUp(t);
  const small = await nixStore(nix, '--add', import.meta.filename);
  const { added, leftOut } = await addPaths(nix, nars, [path, small], 20_000);
  assert.deepEqual(leftOut, [path]);
  assert.deepEqual(
    added.map(({ storePath }) => storePath),
    [small],
  );
  assert.equal((await readdir(join(nars, 'nar'))).length, 1);
});
