import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compressedBlob } from '../../../src/image/compress.ts';
import { bytesOf, framePool, frameSize } from '../../../src/image/frames.ts';
import { fixedBytes } from '../golden/fixed.ts';
import { collect, streamOf } from './fixtures.ts';

const content = Buffer.alloc(5 * frameSize + 100, 'some layer ');
const whole = () => bytesOf(streamOf(content));

test('a blob that is given up, aborted or fails gives its buffers back', async () => {
  const packing = { compression: 'zstd' as const, pool: framePool(1) };
  const reason = new Error('disk');
  async function* failing() {
    yield content.subarray(0, 2 * frameSize + 5);
    throw reason;
  }
  for (let round = 0; round < 5; round += 1) {
    for await (const _ of compressedBlob(whole, packing)) break;
    await assert.rejects(collect(compressedBlob(() => bytesOf(failing()), packing)), reason);
    const abort = AbortSignal.abort(reason);
    await assert.rejects(collect(compressedBlob(whole, packing, abort)), reason);
  }
  const blobs = Array.from({ length: 6 }, () => compressedBlob(whole, packing));
  await Promise.all(blobs.map(collect));
  assert.equal(new Set(blobs.map(blob => blob.result().digest)).size, 1);
});

test('nothing is read before it is wanted, and a few frames ahead at most', async () => {
  let given = 0;
  const source = {
    fill: (frame: Buffer) => {
      given += 1;
      return given < 40 ? frame.length : 0;
    },
    close: () => undefined,
  };
  const pool = framePool(1);
  const pieces = compressedBlob(() => source, { compression: 'none', pool })[
    Symbol.asyncIterator
  ]();
  assert.equal(given, 0);
  await pieces.next();
  const budget = given;
  assert.ok(budget > 1 && budget < 10, `${budget} frames for one core`);
  await pieces.next();
  assert.equal(given, budget + 1);
  const { mayBegin } = pool;
  assert.deepEqual([mayBegin(0), mayBegin(1)], [true, false], 'another layer goes on with one');
  await pieces.return?.();
  assert.ok(mayBegin(1), 'what was given up counts no more');
});

test('the source is closed at the end and when the blob is given up', async () => {
  let closed = 0;
  const close = () => {
    closed += 1;
  };
  const open = () => ({ fill: () => 0, close });
  const packing = { compression: 'none' as const, pool: framePool(1) };
  const blob = compressedBlob(open, packing);
  assert.throws(() => blob.result(), /only when it was read to its end/);
  await collect(blob);
  assert.equal(closed, 1);
  assert.equal(blob.result().uncompressedSize, 0);
});

test('gzip members say neither when nor where they were made', async () => {
  const packing = { compression: 'gzip' as const, pool: framePool(2) };
  const bytes = await collect(
    compressedBlob(() => bytesOf(streamOf(Buffer.from('text'))), packing),
  );
  assert.equal(bytes.readUInt32LE(4), 0);
  assert.equal(bytes[9], 255);
  assert.equal(gunzipSync(bytes).toString(), 'text');
});

for (const compression of ['zstd', 'gzip'] as const) {
  test(`pieces of ${compression} are lent: the memory of a large one is free when it was consumed`, async () => {
    const bytes = fixedBytes('no compressor helps', 2 * frameSize);
    const blob = compressedBlob(() => bytesOf(streamOf(bytes)), {
      compression,
      pool: framePool(2),
    });
    const pieces = blob[Symbol.asyncIterator]();
    const first = (await pieces.next()).value;
    assert.ok(first.length >= frameSize);
    const second = (await pieces.next()).value;
    assert.deepEqual([first.length, second.length > 0], [0, true]);
    await pieces.return?.();
    assert.ok(second.length > 0, 'a consumer that stops may be using it still');
  });
}
