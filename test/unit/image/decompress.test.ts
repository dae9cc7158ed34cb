import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import { compressedBlob } from '../../../src/image/compress.ts';
import { decompress, decompressAny, verified } from '../../../src/image/decompress.ts';
import { bytesOf, framePool, frameSize } from '../../../src/image/frames.ts';
import type { Compression } from '../../../src/image/types.ts';
import { collect, streamOf } from './fixtures.ts';

const compressions: Compression[] = ['zstd', 'gzip', 'none'];

/** Cuts bytes as a network would. */
function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const content = Buffer.concat([randomBytes(frameSize), Buffer.alloc(frameSize + 12345, 'layer ')]);
const pack = (compression: Compression, cores = 2) =>
  compressedBlob(() => bytesOf(streamOf(content)), { compression, pool: framePool(cores) });

for (const compression of compressions) {
  test(`${compression}: what is packed in frames comes back whole`, async () => {
    const blob = pack(compression);
    const packed = await collect(blob);
    const chunks = streamOf(...pieces(packed, 70_001));
    const back = await collect(decompress(chunks, compression, 'layer'));
    assert.ok(back.equals(content));
    const { size, uncompressedSize } = blob.result();
    assert.deepEqual(
      { size, uncompressedSize },
      { size: packed.length, uncompressedSize: content.length },
    );
    assert.ok(
      (await collect(decompressAny(streamOf(...pieces(packed, 1000)), 'layer'))).equals(content),
    );
  });

  test(`${compression}: the bytes do not depend on the number of cores`, async () => {
    const blobs = [1, 2, 7].map(cores => pack(compression, cores));
    const packed = await Promise.all(blobs.map(collect));
    assert.ok(packed.every(bytes => bytes.equals(packed[0] ?? Buffer.alloc(0))));
    assert.equal(new Set(blobs.map(blob => JSON.stringify(blob.result()))).size, 1);
  });
}

for (const compression of ['zstd', 'gzip'] as const) {
  test(`${compression}: cut anywhere, it is an error that names the layer`, async () => {
    const compress = compression === 'zstd' ? zstdCompressSync : gzipSync;
    const members = [randomBytes(900), Buffer.alloc(5000), Buffer.from('end')].map(part =>
      compress(part),
    );
    const whole = Buffer.concat(members);
    const borders = new Set([
      0,
      members[0]?.length,
      (members[0]?.length ?? 0) + (members[1]?.length ?? 0),
    ]);
    for (let length = 1; length < whole.length; length += 1) {
      if (borders.has(length)) continue;
      await assert.rejects(
        collect(decompress(streamOf(whole.subarray(0, length)), compression, 'layer seven')),
        (error: unknown) => error instanceof Failure && error.message.startsWith('layer seven'),
        `cut after ${length} bytes`,
      );
    }
  });
}

test('zstd: any frames in any pieces come back, skippable ones left out', async () => {
  const skippable = Buffer.from('502a4d18030000006b6b6b', 'hex');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 5000 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 3000 }),
      async (parts, size) => {
        const frames = parts.flatMap(part => [zstdCompressSync(part), skippable]);
        const chunks = streamOf(...pieces(Buffer.concat(frames), size));
        const back = await collect(decompress(chunks, 'zstd', 'layer'));
        assert.ok(back.equals(Buffer.concat(parts)));
      },
    ),
    { numRuns: 40 },
  );
});

test('zstd: damage is an error', async () => {
  const bytes = Buffer.concat([zstdCompressSync(randomBytes(3000)), Buffer.from('no frame')]);
  await assert.rejects(collect(decompress(streamOf(bytes), 'zstd', 'layer')), /no zstd frame/);
  const gzip = gzipSync(Buffer.alloc(100_000, 'text'));
  gzip[gzip.length - 5] = (gzip[gzip.length - 5] ?? 0) ^ 1;
  await assert.rejects(
    collect(decompress(streamOf(gzip), 'gzip', 'layer')),
    /cannot be decompressed/,
  );
});

test('an error of the input stays what it is', async () => {
  const reason = new Error('connection reset');
  async function* failing() {
    yield zstdCompressSync(Buffer.alloc(100)).subarray(0, 10);
    throw reason;
  }
  for (const compression of compressions) {
    await assert.rejects(
      collect(decompress(failing(), compression, 'layer')),
      error => error === reason || error instanceof Failure,
    );
  }
});

test('bytes with another digest are an error', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  await assert.rejects(
    collect(verified(streamOf(Buffer.from('x')), digest, 'blob')),
    /blob does not have/,
  );
});
