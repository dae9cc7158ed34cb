import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PushQueueOptions, startPushQueue } from '../../../src/caches/push-queue.ts';
import { quietHost } from '../../tools/host.ts';

type Send = PushQueueOptions['send'];

function queueOf(send: Send, more: Partial<PushQueueOptions> = {}, signal?: AbortSignal) {
  const sent: string[][] = [];
  const host = quietHost({ signal });
  const recording: Send = paths => {
    sent.push([...paths]);
    return send(paths);
  };
  const options = { name: 'c', send: recording, batchSize: 10, retryPauses: [], ...more };
  const queue = startPushQueue(options, host);
  return { queue, sent, warnings: host.warnings };
}

test('what comes together is sent together, each path once, in batches', async () => {
  const { queue, sent } = queueOf(async () => undefined, { batchSize: 2 });
  for (const path of ['/a', '/b', '/a', '/c']) queue.push(path);
  assert.deepEqual(await queue.finish(), { name: 'c', pushed: 3, failed: [] });
  assert.deepEqual(sent, [['/a', '/b'], ['/c']]);
});

test('what comes while a batch is under way makes the next one', async () => {
  const first = Promise.withResolvers<undefined>();
  const started = Promise.withResolvers<void>();
  const { queue, sent } = queueOf(() => {
    started.resolve();
    return first.promise;
  });
  queue.push('/a');
  await started.promise;
  queue.push('/b');
  queue.push('/c');
  first.resolve(undefined);
  assert.equal((await queue.finish()).pushed, 3);
  assert.deepEqual(sent, [['/a'], ['/b', '/c']]);
  queue.push('/d'); // also after a pause without work
  assert.equal((await queue.finish()).pushed, 4);
});

test('one bad path costs no other: it is one warning, with path and reason', async () => {
  const { queue, sent, warnings } = queueOf(async paths =>
    paths.includes('/bad') ? { reason: 'HTTP 403' } : undefined,
  );
  for (const path of ['/a', '/bad', '/c']) queue.push(path);
  const report = await queue.finish();
  assert.deepEqual(report, {
    name: 'c',
    pushed: 2,
    failed: [{ path: '/bad', reason: 'HTTP 403' }],
  });
  assert.deepEqual(sent, [['/a', '/bad', '/c'], ['/a'], ['/bad'], ['/c']]);
  assert.deepEqual(warnings, ['/bad was not pushed to c: HTTP 403']);
});

test('a batch that failed is sent again after each pause', async () => {
  let failures = 2;
  const { queue, sent } = queueOf(async () => (failures-- > 0 ? { reason: 'busy' } : undefined), {
    retryPauses: [1, 1],
  });
  queue.push('/a');
  queue.push('/b');
  assert.equal((await queue.finish()).pushed, 2);
  assert.equal(sent.length, 3);
});

test('a cache that takes nothing is given up with one more warning', async () => {
  const { queue, sent, warnings } = queueOf(async () => ({ reason: 'no route' }), { batchSize: 5 });
  for (let at = 0; at < 12; at++) queue.push(`/${at}`);
  const { pushed, failed } = await queue.finish();
  assert.equal(pushed, 0);
  assert.equal(failed.length, 12);
  assert.equal(sent.length, 1 + 3);
  assert.equal(warnings.length, 3);
  assert.equal(warnings.at(-1), 'Nothing more is pushed to c: no route');
});

test('a hopeless cache is asked once', async () => {
  const { queue, sent, warnings } = queueOf(
    async () => ({ reason: 'no such cache', hopeless: true }),
    { retryPauses: [1, 1], batchSize: 2 },
  );
  for (const path of ['/a', '/b', '/c']) queue.push(path);
  assert.equal((await queue.finish()).failed.length, 3);
  assert.equal(sent.length, 1);
  assert.deepEqual(warnings, ['Nothing more is pushed to c: no such cache']);
});

test('an error that is thrown is a reason', async () => {
  const { queue } = queueOf(() => Promise.reject(new Error('no program')));
  queue.push('/a');
  assert.deepEqual((await queue.finish()).failed, [{ path: '/a', reason: 'no program' }]);
});

test('after an interrupt nothing is sent and nobody is warned', async () => {
  const controller = new AbortController();
  const { queue, sent, warnings } = queueOf(
    async () => {
      controller.abort();
      return { reason: 'broken pipe' };
    },
    { retryPauses: [60_000] },
    controller.signal,
  );
  queue.push('/a');
  queue.push('/b');
  const { failed } = await queue.finish();
  assert.deepEqual(
    failed.map(({ reason }) => reason),
    ['the run was interrupted', 'the run was interrupted'],
  );
  assert.equal(sent.length, 1);
  assert.deepEqual(warnings, []);
});
