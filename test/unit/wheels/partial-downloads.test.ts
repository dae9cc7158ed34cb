import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  claimPartial,
  downloadFolder,
  removePartials,
} from '../../../src/wheels/partial-downloads.ts';

const url = 'https://index.example/torch.whl';

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'partial-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Begins a download; it is left as if its process had ended, unless it is kept. */
async function leave(folder: string, { kept = false } = {}): Promise<string> {
  const partial = await claimPartial(folder, url);
  await partial.begin('"tag"');
  await writeFile(partial.file, 'half');
  if (!kept) partial.release();
  return partial.folder;
}

test('a download that was left is taken up', async context => {
  const folder = await folderFor(context);
  const left = await leave(folder);
  const partial = await claimPartial(folder, url);
  assert.equal(partial.folder, left);
  assert.equal(partial.state.validator, '"tag"');
  assert.equal(await readFile(partial.file, 'utf8'), 'half');
  assert.equal((await readdir(folder)).length, 1);
});

test('a download that somebody is at is left alone', async context => {
  const folder = await folderFor(context);
  const busy = await leave(folder, { kept: true });
  const partial = await claimPartial(folder, url);
  assert.notEqual(partial.folder, busy);
  assert.equal(partial.state.validator, undefined);
  assert.equal((await readdir(folder)).length, 2);
});

test('what is done, and what was left long ago, is removed; no more', async context => {
  const folder = await folderFor(context);
  const now = Date.now();
  const long = (now - 48 * 3600 * 1000) / 1000;
  const [busy, old] = [await leave(folder, { kept: true }), await leave(folder)];
  await utimes(busy, 0, long);
  await utimes(old, 0, long);
  const other = await claimPartial(folder, 'https://index.example/other.whl');
  const fresh = await claimPartial(folder, 'https://index.example/fresh.whl');
  for (const { release } of [other, fresh]) release();
  await writeFile(join(folder, 'notes'), 'of somebody');
  await removePartials(folder, new Set([other.folder]), now);
  const stayed = [busy, fresh.folder].map(path => basename(path));
  assert.deepEqual((await readdir(folder)).sort(), [...stayed, 'notes'].sort());
});

test('a state that was cut short counts as none', async context => {
  const folder = await folderFor(context);
  const left = await leave(folder);
  for (const state of ['{"valid', 'null', '{"result":{"sha256":"..","size":-1}}', '[]']) {
    await writeFile(join(left, 'state.json'), state);
    const partial = await claimPartial(folder, url);
    partial.release();
    assert.deepEqual(partial.state, {}, state);
  }
});

test("downloads lie in the user's cache", () => {
  assert.equal(downloadFolder({ HOME: '/h' }, '/t'), '/h/.cache/comfy-nix/downloads');
  assert.equal(
    downloadFolder({ HOME: '/h', XDG_CACHE_HOME: '/c' }, '/t'),
    '/c/comfy-nix/downloads',
  );
  assert.equal(downloadFolder({}, '/t'), '/t/comfy-nix/downloads');
});
