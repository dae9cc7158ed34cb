import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { noise, sha256 } from '../../tools/blobs.ts';
import { serve } from '../../tools/http-server.ts';
import { storeOn } from '../../tools/opened-store.ts';

const content = noise(1_000_000, 1);
const digest = sha256(content);

interface Scene {
  /** Answers the requests for the blob, one after the other; the last of these the rest. */
  answers: ((request: IncomingMessage, response: ServerResponse) => unknown)[];
  size?: number;
  start?: number;
}

/** Reads the blob; what was read, how it ended, which ranges were asked for and how long was waited. */
async function download(t: TestContext, { answers, size = content.length, start = 0 }: Scene) {
  const ranges: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    if (request.url === '/v2/') return void response.end();
    ranges.push(request.headers.range);
    const answer = answers[Math.min(ranges.length, answers.length) - 1];
    return void answer?.(request, response);
  });
  const waits: number[] = [];
  const store = storeOn(t, server, 'o/x', waits);
  const read: Buffer[] = [];
  const reading = async () => {
    for await (const chunk of store.openBlob({ mediaType: '', digest, size }, start))
      read.push(chunk);
  };
  const error = await reading().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { read: Buffer.concat(read), error, ranges, waits: waits.length };
}

const startOf = ({ headers }: IncomingMessage) => Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);

/** Gives what is asked for, or the first bytes of it, and then resets the connection. */
const give = (count?: number) => (request: IncomingMessage, response: ServerResponse) => {
  const start = startOf(request);
  const rest = content.subarray(start);
  const total = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
  const headers = { 'content-length': rest.length, ...(start > 0 ? total : {}) };
  response.writeHead(start > 0 ? 206 : 200, headers);
  if (count === undefined) response.end(rest);
  else response.write(rest.subarray(0, count), () => response.destroy());
};

const status =
  (code: number, headers = {}) =>
  (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(code, headers).end();

test('a whole blob is asked for without a range, a part with one', async t => {
  const whole = await download(t, { answers: [give()] });
  assert.deepEqual([whole.error, whole.ranges, whole.waits], [undefined, [undefined], 0]);
  assert.ok(whole.read.equals(content));
  const part = await download(t, { answers: [give()], start: 400_000 });
  assert.deepEqual([part.error, part.ranges], [undefined, ['bytes=400000-']]);
  assert.ok(part.read.equals(content.subarray(400_000)));
  const none = await download(t, { answers: [give()], start: content.length });
  assert.deepEqual([none.read.length, none.ranges], [0, []]);
});

test('after each fault it goes on where it is, and waits before', async t => {
  const answers = [give(300_000), status(503), give(1000), give()];
  const { read, error, ranges, waits } = await download(t, { answers });
  assert.equal(error, undefined);
  assert.ok(read.equals(content));
  assert.deepEqual(ranges, [undefined, 'bytes=300000-', 'bytes=300000-', 'bytes=301000-']);
  assert.equal(waits, 3);
});

test('a fault after some progress counts as the first', async t => {
  const steady = await download(t, { answers: [give(limits.progress)] });
  assert.ok(steady.read.equals(content));
  assert.equal(steady.waits, Math.floor(content.length / limits.progress));
  const creeping = await download(t, { answers: [give(limits.progress / 10)] });
  assert.ok(creeping.error instanceof Failure);
  assert.ok(creeping.waits < 20, String(creeping.waits));
  const stuck = await download(t, { answers: [give(10)] });
  assert.match((stuck.error as Failure).message, /^The connection to .* failed/);
  assert.equal(stuck.ranges.length, 8);
});

test('a registry that only fails is given up, with its answer', async t => {
  const { error, ranges } = await download(t, { answers: [status(503)] });
  assert.match((error as Failure).message, /^Could not read the blob sha256:\w+ of .* 503/);
  assert.equal(ranges.length, 8);
  const later = { 'retry-after': '99999999' };
  const asked = await download(t, { answers: [status(429, later)] });
  assert.match((asked.error as Failure).message, /429, too many requests/);
  assert.equal(asked.ranges.length, 1, 'nobody waits for years');
  const gone = await download(t, { answers: [status(404)] });
  assert.match((gone.error as Failure).message, /404/);
  assert.deepEqual([gone.ranges.length, gone.waits], [1, 0]);
});

test('an answer that ends early, as if that were all, is asked for again a few times', async t => {
  const short = (count: number) => (request: IncomingMessage, response: ServerResponse) => {
    const start = startOf(request);
    response.writeHead(start > 0 ? 206 : 200, { 'transfer-encoding': 'chunked' });
    response.end(content.subarray(start, start + count));
  };
  const once = await download(t, { answers: [short(1000), give()] });
  assert.ok(once.read.equals(content));
  const always = await download(t, { answers: [short(1000)] });
  assert.match(
    (always.error as Failure).message,
    /the blob sha256:\w+ does not have 1000000 bytes/,
  );
  assert.equal(always.ranges.length, 3);
});

test('a blob of another size than stated is not read', async t => {
  for (const size of [content.length - 1, content.length + 1]) {
    const { read, error, ranges } = await download(t, { answers: [give()], size });
    assert.match((error as Failure).message, new RegExp(`does not have ${size} bytes`));
    assert.deepEqual([read.length, ranges.length], [0, 1]);
    const part = await download(t, { answers: [give()], size, start: 10 });
    assert.match((part.error as Failure).message, new RegExp(`does not have ${size} bytes`));
    assert.deepEqual([part.read.length, part.ranges.length], [0, 1]);
  }
  const endless = (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    response.end(Buffer.concat([content, content]));
  };
  const more = await download(t, { answers: [endless] });
  assert.match((more.error as Failure).message, /does not have 1000000 bytes/);
  assert.ok(more.read.length <= content.length);
});

test('a registry that knows no ranges sends all, of which the rest is taken', async t => {
  const all = (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(200, { 'content-length': content.length }).end(content);
  const { read, error } = await download(t, { answers: [give(300_000), all] });
  assert.equal(error, undefined);
  assert.ok(read.equals(content));
});
