import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../../../src/host/failure.ts';
import { ownHands } from '../../../src/host/hands.ts';
import { isLocked } from '../../../src/host/lock.ts';
import { putPart, type SharedFile, takePart } from '../../../src/host/shared-file.ts';
import { hostWithPrograms } from '../../tools/host.ts';

const host = hostWithPrograms(process.env);
let root = '';
let folder = '';
let included = false;
let shared: SharedFile;
const account = { id: 'account-1000' };
const job = (digit: string) => ({ id: `job-${digit.repeat(16)}`, job: join(root, digit) });
const text = async () => (await readFile(shared.file, 'utf8')).split('\n').slice(1).join('\n');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'shared-'));
  folder = join(root, 'etc');
  for (const name of ['etc', 'a', 'b']) await mkdir(join(root, name));
  included = false;
  shared = {
    file: join(folder, 'comfy-nix.conf'),
    what: 'a test',
    hands: ownHands(host),
    include: async () => {
      included = true;
    },
    exclude: async () => {
      included = false;
    },
  };
});
// the folders of the jobs go, and with them the processes that keep their locks
afterEach(() => rm(root, { recursive: true, force: true }));

test('the parts of jobs and accounts stand side by side; with the last one all goes', async () => {
  for (const [owner, part] of [
    [job('a'), 'one\n'],
    [account, 'two\n'],
    [job('b'), 'one\n'],
  ] as const) {
    await putPart(shared, owner, part, host);
  }
  assert.equal(await text(), 'two\none\n');
  await takePart(shared, job('a').id, host);
  assert.equal(await text(), 'two\none\n', 'another job says the same');
  await takePart(shared, account.id, host);
  assert.equal(await text(), 'one\n');
  assert.ok(included);
  assert.equal(await takePart(shared, job('b').id, host), true);
  assert.deepEqual(await readdir(folder), []);
  assert.ok(!included);
});

test('jobs that come at the same time lose nothing of each other', async () => {
  await Promise.all([
    putPart(shared, job('a'), 'one\n', host),
    putPart(shared, job('b'), 'two\n', host),
  ]);
  assert.equal(await text(), 'one\ntwo\n');
  await Promise.all([
    takePart(shared, job('a').id, host),
    putPart(shared, account, 'three\n', host),
    takePart(shared, job('b').id, host),
  ]);
  assert.equal(await text(), 'three\n');
});

test('the part of a job whose process is gone counts no more', async () => {
  await putPart(shared, job('a'), 'one\n', host);
  const lock = join(folder, '.comfy-nix', `${job('a').id}.lock`);
  assert.ok(await isLocked(lock));
  process.kill(await ownerOf(lock), 'SIGKILL');
  while (await isLocked(lock)) await pause(20);
  await putPart(shared, account, 'two\n', host);
  assert.equal(await text(), 'two\n');
});

/** The process that holds the lock of a file, as the kernel tells it (proc_locks(5)). */
async function ownerOf(file: string): Promise<number> {
  const { ino } = await stat(file);
  const locks = await readFile('/proc/locks', 'utf8');
  const line = locks.split('\n').find(each => each.includes(`:${ino} `)) ?? assert.fail(locks);
  return Number(line.trim().split(/\s+/)[4]);
}

test('what an account keeps is written once, and replaced', async () => {
  assert.equal(await putPart(shared, account, 'one\n', host), true);
  assert.equal(await putPart(shared, account, 'one\n', host), false);
  assert.equal(await putPart(shared, account, 'two\n', host), true);
  assert.equal(await text(), 'two\n');
});

test('a file that nobody can be made to read is a failure, and leaves nothing', async () => {
  const refusing = { ...shared, include: async () => Promise.reject(new Failure('no')) };
  await assert.rejects(putPart(refusing, job('a'), 'one\n', host), Failure);
  assert.deepEqual(await readdir(folder), []);
});

test('what a killed run has left goes with the next one that takes something back', async () => {
  await mkdir(join(folder, '.comfy-nix'));
  for (const name of ['lock', 'job-cccccccccccccccc.lock', 'job-cccccccccccccccc.part']) {
    await writeFile(join(folder, '.comfy-nix', name), '');
  }
  included = true;
  await takePart(shared, account.id, host);
  assert.deepEqual(await readdir(folder), []);
  assert.ok(!included);
});
