import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chunksOf, gathered, skipping } from '../../../src/registry/chunks.ts';

const pieces = fc.array(fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)));
const size = fc.integer({ min: 1, max: 60 });

async function* stream(chunks: readonly Buffer[]) {
  yield* chunks;
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return all;
}

test('skipping leaves out the first bytes and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(200), async (chunks, count) => {
      const rest = await collect(skipping(stream(chunks), count));
      assert.deepEqual(Buffer.concat(rest), Buffer.concat(chunks).subarray(count));
    }),
  );
});

test('gathered chunks have the least size, but the last, and the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, size, async (chunks, least) => {
      const joined = await collect(gathered(stream(chunks), least));
      assert.deepEqual(Buffer.concat(joined), Buffer.concat(chunks));
      assert.ok(joined.slice(0, -1).every(chunk => chunk.length >= least));
    }),
  );
});

test('chunks of a size have it, but the last, and the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, size, async (chunks, length) => {
      const cut = await collect(chunksOf(stream(chunks), length));
      assert.deepEqual(Buffer.concat(cut), Buffer.concat(chunks));
      assert.ok(cut.slice(0, -1).every(chunk => chunk.length === length));
      assert.ok(cut.every(chunk => chunk.length > 0));
    }),
  );
});

test('chunks are all cut in the same memory', async () => {
  const seen = new Set<ArrayBufferLike>();
  const bytes = Array.from({ length: 50 }, () => Buffer.alloc(1 << 16));
  for await (const chunk of chunksOf(stream(bytes), 1 << 17)) seen.add(chunk.buffer);
  assert.equal(seen.size, 1);
});
