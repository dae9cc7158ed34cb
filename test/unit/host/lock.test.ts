import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { Failure } from '../../../src/host/failure.ts';
import { leaveKeeper } from '../../../src/host/keeper.ts';
import { isLocked, tryLock, withLock } from '../../../src/host/lock.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-test-'));
});
after(() => rm(folder, { recursive: true }));

const request = { what: 'the test' };

test('a lock is busy for everybody else, and free once it is released', async () => {
  const file = join(folder, 'plain');
  const lock = await tryLock(file);
  assert.ok(lock);
  assert.equal(await tryLock(file), undefined);
  lock.release();
  const again = await tryLock(file);
  assert.ok(again);
  again.release();
});

test('a lock is held also when nothing refers to it any more', async () => {
  const file = join(folder, 'forgotten');
  await tryLock(file);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(await tryLock(file), undefined);
});

test('work is done one after the other', async () => {
  const file = join(folder, 'turns');
  const order: string[] = [];
  const turn = (name: string) =>
    withLock(file, request, {}, async () => {
      order.push(`${name} begins`);
      await new Promise(resolve => setImmediate(resolve));
      order.push(`${name} ends`);
    });
  await Promise.all([turn('one'), turn('other')]);
  const [first, second] = order[0] === 'one begins' ? ['one', 'other'] : ['other', 'one'];
  assert.deepEqual(order, [
    `${first} begins`,
    `${first} ends`,
    `${second} begins`,
    `${second} ends`,
  ]);
});

test('a lock whose owner was killed is free, and no file of it is left full', async () => {
  const file = join(folder, 'killed');
  const url = new URL('../../../src/host/lock.ts', import.meta.url).href;
  const script = `
    const { tryLock } = await import(${JSON.stringify(url)});
    if (await tryLock(process.argv[1])) console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.equal(await tryLock(file), undefined);
  child.kill('SIGKILL');
  await once(child, 'close');
  const lock = await tryLock(file);
  assert.ok(lock);
  lock.release();
  assert.equal((await stat(file)).size, 0);
});

test('whether a lock is held can be seen without taking it', async () => {
  const file = join(folder, 'seen');
  assert.equal(await isLocked(file), false, 'there is none');
  const lock = await tryLock(file);
  assert.equal(await isLocked(file), true);
  lock?.release();
  assert.equal(await isLocked(file), false);
  await writeFile(file, 'no lock at all'.repeat(100));
  assert.equal(await isLocked(file), false);
});

test('a process that is left behind keeps a lock until a file is gone, and knows nothing', async () => {
  const [file, witness] = [join(folder, 'kept'), join(folder, 'witness')];
  await writeFile(witness, '');
  const id = `github_${process.pid}`;
  const env = { RUNNER_TRACKING_ID: id, SECRET: 'hunter2' };
  await leaveKeeper(file, [witness, folder], { env }, 20);
  assert.equal(await isLocked(file), true);
  const found = [];
  for (const pid of await readdir('/proc')) {
    const known = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (known.includes(id)) found.push(known);
  }
  assert.deepEqual(found, [`RUNNER_TRACKING_ID=${id}\0`]);
  await assert.rejects(leaveKeeper(join(folder, 'none/lock'), [witness], { env }), Failure);
  await rm(witness);
  while (await isLocked(file)) await new Promise(resolve => setTimeout(resolve, 20));
});

test('waiting has a limit, and ends with a sentence', async () => {
  const file = join(folder, 'busy');
  const lock = await tryLock(file);
  await assert.rejects(
    withLock(file, { ...request, limit: 1 }, {}, async () => assert.fail('it is locked')),
    (error: Failure) =>
      error instanceof Failure && /Another run is using the test/.test(error.message),
  );
  lock?.release();
});

test('waiting ends when the run is interrupted', async () => {
  const file = join(folder, 'interrupted');
  const lock = await tryLock(file);
  const interrupt = new AbortController();
  const waiting = withLock(file, request, { signal: interrupt.signal }, async () => undefined);
  const reason = new Failure('interrupted', { exitCode: 130 });
  interrupt.abort(reason);
  await assert.rejects(waiting, reason);
  lock?.release();
});

test('work that fails releases the lock', async () => {
  const file = join(folder, 'fails');
  await assert.rejects(withLock(file, request, {}, async () => Promise.reject(new Error('no'))));
  const lock = await tryLock(file);
  assert.ok(lock);
  lock.release();
});

for (const [name, make] of [
  ['a link', (file: string) => symlink(join(folder, 'elsewhere'), file)],
  ['a file of others', (file: string) => writeFile(file, 'something else'.repeat(100))],
  ['a file in no folder', async () => undefined],
] as const) {
  test(`${name} is no lock`, async () => {
    const file = join(folder, name === 'a file in no folder' ? 'none/lock' : name);
    await make(file);
    await assert.rejects(tryLock(file), Failure);
  });
}

test('no file is made through a link', async () => {
  await assert.rejects(stat(join(folder, 'elsewhere')));
});

test('who waits is told for what', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const file = join(folder, 'told');
  const lock = await tryLock(file);
  const said: string[] = [];
  const interrupt = new AbortController();
  const waiter = {
    emit: (event: ProgressEvent) => void ('message' in event && said.push(event.message)),
    signal: interrupt.signal,
  };
  const waiting = withLock(file, request, waiter, async () => undefined);
  await new Promise(resolve => setImmediate(resolve));
  t.mock.timers.tick(30_000);
  assert.deepEqual(said, ['Waiting for another run, which is using the test: 30 s so far.']);
  interrupt.abort(new Failure('interrupted'));
  await assert.rejects(waiting);
  lock?.release();
});

test('how long was waited is told when the lock is there; one that was free tells nothing', async () => {
  const file = join(folder, 'timed');
  const events: ProgressEvent[] = [];
  let now = 1000;
  const waiter = { emit: (event: ProgressEvent) => void events.push(event), clock: () => now };
  await withLock(file, request, waiter, async () => undefined);
  assert.deepEqual(events, []);
  let lock = await tryLock(file);
  const signal = Object.assign(new AbortController().signal, {
    throwIfAborted: () => {
      now = 3000;
      lock?.release();
      lock = undefined;
    },
  });
  // it is asked for once in vain before the signal is looked at
  await withLock(file, request, { ...waiter, signal }, async () => undefined);
  const told = { type: 'span', kind: 'wait', detail: request.what, startedAt: 1000, at: 3000 };
  assert.deepEqual(events, [told]);
});
