import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { makeRunFolder, removeLeft, takeUpFolder } from '../../../src/host/run-folder.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'run-folder-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const prefix = 'comfy-nix-';

test('a folder is the user’s alone under any umask, and is gone when it is removed', async () => {
  const before = process.umask();
  try {
    for (const mask of [0o000, 0o077, 0o277, 0o777]) {
      process.umask(mask);
      const { path, remove } = await makeRunFolder(parent, { prefix });
      assert.equal((await stat(path)).mode & 0o777, 0o700);
      await remove();
    }
  } finally {
    process.umask(before);
  }
  assert.deepEqual(await readdir(parent), []);
});

test('what a run has left is removed by the next one; what is in use, or not ours, stays', async () => {
  const left = await makeRunFolder(parent, { prefix });
  await writeFile(join(left.path, 'secret'), 'x');
  left.leave();
  const running = await makeRunFolder(parent, { prefix });
  const others = ['comfy-nix-abc', 'comfy-nix-root-x', 'other'];
  for (const name of others) await mkdir(join(parent, name));
  const hex = `${prefix}0123456789abcdef`;
  const withoutLock = join(parent, hex);
  await mkdir(withoutLock, { mode: 0o700 });
  await symlink(running.path, join(parent, `${prefix}00000000000000aa`));
  await removeLeft(parent, { prefix });
  const kept = [...others, hex, running.name, `${prefix}00000000000000aa`];
  assert.deepEqual((await readdir(parent)).sort(), kept.sort());
  await running.remove();
});

test('a folder that others can enter is not believed to be ours', async () => {
  const left = await makeRunFolder(parent, { prefix });
  left.leave();
  await chmod(left.path, 0o755);
  await removeLeft(parent, { prefix });
  assert.deepEqual(await readdir(parent), [left.name]);
});

test('what waits for a later phase of the same job stays until another job comes', async () => {
  const first = await makeRunFolder(parent, { job: 'one' });
  first.leave();
  await removeLeft(parent, { job: 'one' });
  const again = await takeUpFolder(parent, first.name);
  assert.equal(again?.path, first.path);
  assert.equal(await takeUpFolder(parent, first.name), undefined, 'it is in use');
  again?.leave();
  await removeLeft(parent, { job: 'two' });
  assert.deepEqual(await readdir(parent), []);
});

test('a parent that is not there, or is no folder, is one sentence', async () => {
  await writeFile(join(parent, 'file'), '');
  for (const name of ['none', 'file']) {
    await assert.rejects(makeRunFolder(join(parent, name), { prefix }), error => {
      assert.ok(error instanceof Failure);
      assert.match(
        error.message,
        new RegExp(`^No temporary folder can be made in ${parent}/${name}`),
      );
      assert.match(error.details.next ?? '', /TMPDIR/);
      return true;
    });
  }
});
