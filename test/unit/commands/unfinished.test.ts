import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { notePushes } from '../../../src/commands/setup/unfinished.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { hostWithPrograms } from '../../tools/host.ts';

const cachesOf = (name: string) =>
  parseSetup(
    { 'binary-caches': `file:///${name}` },
    { face: 'command-line', currentDirectory: '/', temporaryDirectory: '/' },
  ).caches;

test('the run after killed ones learns when the first of them began; after a whole one, nothing', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'unfinished-'));
  t.after(() => rm(folder, { recursive: true }));
  let now = 1000;
  const recording = hostWithPrograms({ XDG_STATE_HOME: folder });
  const host = { ...recording, clock: () => now++ };
  assert.equal((await notePushes(cachesOf('one'), host)).since, undefined);
  assert.equal((await notePushes(cachesOf('other'), host)).since, undefined, 'is of other caches');
  assert.equal((await notePushes(cachesOf('one'), host)).since, 1000);
  const third = await notePushes(cachesOf('one'), host);
  assert.equal(third.since, 1000);
  await third.remove();
  assert.equal((await notePushes(cachesOf('one'), host)).since, undefined);
  assert.equal((await readdir(join(folder, 'comfy-nix'))).length, 2);
});

test('a state that cannot be written is no reason to fail', async () => {
  const host = hostWithPrograms({ XDG_STATE_HOME: '/dev/null' });
  const note = await notePushes(cachesOf('one'), host);
  assert.equal(note.since, undefined);
  await note.remove();
});
