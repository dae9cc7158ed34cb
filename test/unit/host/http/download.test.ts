import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Download, download, type Part } from '../../../../src/host/http/download.ts';
import { ConnectionLost, type HttpResponse } from '../../../../src/host/http/message.ts';
import { usualRetries } from '../../../../src/host/http/retry.ts';
import { limits } from '../../../../src/host/limits.ts';
import { instantRetries, noise } from '../../../tools/blobs.ts';

const url = new URL('https://files.example/file');
const content = noise(1_000_000, 7);

/** What a server sends: some bytes, and then the end or a break. */
interface Step {
  status?: number;
  headers?: Record<string, string>;
  bytes?: Buffer;
  breaks?: boolean;
}

const breaking = (bytes: Buffer, more: Step = {}): Step => ({ bytes, breaks: true, ...more });

/** The part from `at` on as a server sends it that knows ranges. */
const partFrom = (at: number, more: Step = {}): Step => ({
  status: 206,
  headers: { 'content-range': `bytes ${at}-${content.length - 1}/${content.length}` },
  bytes: content.subarray(at),
  ...more,
});

/** A download from a server that takes these steps, one for each request. */
function from(steps: readonly Step[], changes: Partial<Download> = {}) {
  const asked: Record<string, string>[] = [];
  const parts: Part[] = [];
  let received: Buffer[] = [];
  let left = 0;
  async function* body({ bytes = Buffer.alloc(0), breaks }: Step): AsyncGenerator<Buffer> {
    try {
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
      if (breaks) throw new ConnectionLost(new Error('cut'));
    } finally {
      left += 1;
    }
  }
  const file: Download = {
    ask: async headers => {
      const step = steps[Math.min(asked.length, steps.length - 1)] ?? {};
      asked.push({ ...headers });
      const { status = 200, headers: stated = {} } = step;
      return { status, headers: stated, url, body: body(step) } satisfies HttpResponse;
    },
    policy: { ...usualRetries({ clock: () => 0, emit: () => undefined }), ...instantRetries() },
    begin: async part => {
      parts.push(part);
      if (part.at === 0) received = [];
    },
    failed: reason =>
      new Error(
        reason instanceof ConnectionLost ? reason.message : String(reason?.status ?? 'too short'),
      ),
    ...changes,
  };
  const read = async () => {
    for await (const chunk of download(file)) received.push(chunk);
    return Buffer.concat(received);
  };
  return { file, read, asked, parts, bodies: () => left };
}

const etag = { etag: '"one"' };

test('a connection that breaks is taken up where it broke, of the same file', async () => {
  const { read, asked, parts } = from([
    breaking(content.subarray(0, 300_000), { headers: etag }),
    { status: 503 },
    partFrom(300_000, { bytes: content.subarray(300_000, 700_000), breaks: true }),
    partFrom(700_000),
  ]);
  assert.deepEqual(await read(), content);
  const range = (at: number) => ({ range: `bytes=${at}-`, 'if-range': '"one"' });
  assert.deepEqual(asked, [{}, range(300_000), range(300_000), range(700_000)]);
  assert.deepEqual(
    parts.map(({ at, total }) => [at, total]),
    [
      [0, undefined],
      [300_000, content.length],
      [700_000, content.length],
    ],
  );
});

test('a file that is another one by now begins anew', async () => {
  const other = noise(500_000, 8);
  const { read, asked, parts } = from([
    breaking(content.subarray(0, 300_000), { headers: etag }),
    breaking(other.subarray(0, 100_000), { headers: { etag: '"two"' } }),
    {
      ...partFrom(100_000),
      headers: { 'content-range': 'bytes 100000-499999/500000' },
      bytes: other.subarray(100_000),
    },
  ]);
  assert.deepEqual(await read(), other);
  assert.equal(asked[2]?.['if-range'], '"two"');
  assert.deepEqual(
    parts.map(({ at }) => at),
    [0, 0, 100_000],
  );
});

test('without a tag or a date nothing is taken up, and a weak tag tells nothing', async () => {
  for (const headers of [{}, { etag: 'W/"weak"' }]) {
    const { read, asked } = from([
      breaking(content.subarray(0, 300_000), { headers }),
      { bytes: content },
    ]);
    assert.deepEqual(await read(), content);
    assert.deepEqual(asked, [{}, {}]);
  }
});

test('what an earlier run has left is not fetched again, unless it is longer than all of it', async () => {
  const start = 999_999;
  const left = from([partFrom(start)], { start, validator: '"one"' });
  assert.deepEqual(await left.read(), content.subarray(start));
  const longer = from([{ status: 416 }, { bytes: content }], {
    start: 2_000_000,
    validator: '"one"',
  });
  assert.deepEqual(await longer.read(), content);
  assert.deepEqual(longer.asked[1], {});
});

test('a part that was not asked for is not taken', async () => {
  const start = 300_000;
  const misplaced = [partFrom(400_000), partFrom(300_000, { headers: {} })];
  const changeable = from([...misplaced, { bytes: content }], { start, validator: '"one"' });
  assert.deepEqual(await changeable.read(), content);
  assert.deepEqual(changeable.asked[1], {});
  // a registry that does not say where its part begins means what it was asked for
  const same = from(misplaced, { start, validator: 'always the same' });
  assert.deepEqual(await same.read(), content.subarray(start));
  assert.equal(same.asked[1]?.range, 'bytes=300000-');
});

test('what is always the same goes on without a tag, and where a server knows no ranges', async () => {
  const { read, asked } = from(
    [
      breaking(content.subarray(0, 300_000)),
      breaking(content.subarray(0, 200_000)),
      breaking(content.subarray(0, 600_000)),
      { status: 206, bytes: content.subarray(600_000) },
    ],
    { validator: 'always the same', size: content.length, begin: async () => undefined },
  );
  assert.deepEqual(await read(), content);
  assert.deepEqual(
    asked.map(({ range }) => range),
    [undefined, 'bytes=300000-', 'bytes=300000-', 'bytes=600000-'],
  );
});

test('an answer that ends too early is asked for twice more; one that is too long is not read', async () => {
  const short = from([{ bytes: content.subarray(0, 10) }], {
    size: 1000,
    validator: 'always the same',
  });
  await assert.rejects(short.read(), { message: 'too short' });
  assert.equal(short.asked.length, 3);
  const stated = from([{ bytes: content.subarray(0, 10), headers: { 'content-length': '11' } }]);
  await assert.rejects(stated.read(), { message: 'too short' });
  const long = from([{ bytes: content }], { size: 1000 });
  await assert.rejects(long.read(), { message: 'too short' });
  assert.deepEqual([long.asked.length, long.bodies()], [1, 1]);
});

test('a status that is final ends it, and so does who looks at an answer before its bytes', async () => {
  const gone = from([{ status: 404 }]);
  await assert.rejects(gone.read(), { message: '404' });
  const refused = from([{ bytes: content }], {
    begin: async () => {
      throw new Error('not this one');
    },
  });
  await assert.rejects(refused.read(), { message: 'not this one' });
  assert.deepEqual([gone.asked.length, refused.asked.length], [1, 1]);
  assert.equal(refused.bodies(), 1, 'its connection is closed');
});

test('tries are counted anew by what gets on, and not by a few bytes', async () => {
  const at = (position: number, step: number): Step =>
    partFrom(position, { bytes: content.subarray(position, position + step), breaks: true });
  const steady = Array.from({ length: 15 }, (_, index) =>
    at(index * limits.progress, limits.progress),
  );
  const whole = from([...steady, partFrom(15 * limits.progress)], { validator: '"one"' });
  assert.deepEqual(await whole.read(), content);
  const trickle = from(
    Array.from({ length: 100 }, (_, index) => at(index, 1)),
    { validator: '"one"' },
  );
  await assert.rejects(trickle.read(), { message: 'cut' });
  assert.equal(trickle.asked.length, 8);
});

test('who leaves early closes the connection', async () => {
  let closed = false;
  const { file } = from([]);
  const body = (async function* () {
    try {
      for (;;) yield content;
    } finally {
      closed = true;
    }
  })();
  const ask = async () => ({ status: 200, headers: {}, url, body });
  for await (const _ of download({ ...file, ask })) break;
  assert.ok(closed);
});

test('a server that asks to come again in years is not waited for', async () => {
  const { read, asked } = from([{ status: 429, headers: { 'retry-after': '99999999' } }]);
  await assert.rejects(read(), { message: '429' });
  assert.equal(asked.length, 1);
});
