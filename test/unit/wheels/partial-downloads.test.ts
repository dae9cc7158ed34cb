import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** The number of a process that has ended. */
const endedProcess = () => spawnSync('true').pid;

/** Leaves a download behind, as if another process had begun it. */
async function leave(folder: string, pid: number): Promise<string> {
  const partial = await claimPartial(folder, url);
  await partial.begin('"tag"');
  await writeFile(partial.file, 'half');
  const [name = ''] = await readdir(folder);
  const left = name.replace(/\d+$/, String(pid));
  await rename(join(folder, name), join(folder, left));
  return left;
}

test('the download of a process that ended is taken up', async context => {
  const folder = await folderFor(context);
  await leave(folder, endedProcess());
  const partial = await claimPartial(folder, url);
  assert.equal(partial.state.validator, '"tag"');
  assert.equal(await readFile(partial.file, 'utf8'), 'half');
  assert.equal((await readdir(folder)).length, 1);
});

test('the download of a process that is at work is left alone', async context => {
  const folder = await folderFor(context);
  const left = await leave(folder, process.ppid);
  const partial = await claimPartial(folder, url);
  assert.equal(partial.state.validator, undefined);
  assert.ok((await readdir(folder)).includes(left));
});

test('what this process had, and what was left long ago, is removed; no more', async context => {
  const folder = await folderFor(context);
  const old = await leave(folder, endedProcess());
  const now = Date.now();
  await utimes(join(folder, old), 0, (now - 48 * 3600 * 1000) / 1000);
  const running = await leave(folder, process.ppid);
  await writeFile(join(folder, 'notes'), 'of somebody');
  await claimPartial(folder, 'https://index.example/other.whl');
  await removePartials(folder, now);
  assert.deepEqual((await readdir(folder)).sort(), [running, 'notes'].sort());
});

test('a state that was cut short counts as none', async context => {
  const folder = await folderFor(context);
  await claimPartial(folder, url);
  const [name = ''] = await readdir(folder);
  await writeFile(join(folder, name, 'state.json'), '{"valid');
  assert.deepEqual((await claimPartial(folder, url)).state, {});
});

test("downloads lie in the user's cache", () => {
  assert.equal(downloadFolder({ HOME: '/h' }, '/t'), '/h/.cache/comfy-nix/downloads');
  assert.equal(
    downloadFolder({ HOME: '/h', XDG_CACHE_HOME: '/c' }, '/t'),
    '/c/comfy-nix/downloads',
  );
  assert.equal(downloadFolder({}, '/t'), '/t/comfy-nix/downloads');
});
