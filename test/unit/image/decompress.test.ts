import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { compressedBlob } from '../../../src/image/compress.ts';
import {
  compressionOf,
  decompress,
  decompressAny,
  verified,
} from '../../../src/image/decompress.ts';
import { bytesOf, framePool, frameSize } from '../../../src/image/frames.ts';
import type { Compression } from '../../../src/image/types.ts';
import { zstdFrames } from '../../../src/image/zstd-frames.ts';
import { collect, streamOf } from './fixtures.ts';

const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
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

test('how bytes begin tells how they are packed, and a few bytes are enough', async () => {
  const gzip = gzipSync('text');
  const zstd = zstdCompressSync('text');
  assert.equal(compressionOf(gzip.subarray(0, 2)), 'gzip');
  assert.equal(compressionOf(gzip.subarray(0, 1)), 'none');
  assert.equal(compressionOf(zstd.subarray(0, 4)), 'zstd');
  assert.equal(compressionOf(zstd.subarray(0, 3)), 'none');
  assert.equal(compressionOf(Buffer.alloc(0)), 'none');
  for (const packed of [gzip, zstd, Buffer.from('text')]) {
    for (const size of [1, 3, 4, 100]) {
      const chunks = streamOf(...pieces(packed, size));
      assert.equal((await collect(decompressAny(chunks, 'x'))).toString(), 'text');
    }
  }
  for (const short of ['', 'x', 'xyz']) {
    const chunks = streamOf(Buffer.from(short));
    assert.equal((await collect(decompressAny(chunks, 'x'))).toString(), short);
  }
});

test('zstd: frames of every form of header are told apart', async () => {
  // RFC 8878, 3.1.1.1: single segment or a window, a content size of 0, 1, 2, 4 or 8 bytes, a checksum
  const raw = (size: number) => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((size << 3) | 1, 0, 3);
    return Buffer.concat([header, Buffer.alloc(size, 'x')]);
  };
  const frame = (descriptor: number, rest: number[], size: number, end = Buffer.alloc(0)) =>
    Buffer.concat([
      Buffer.from('28b52ffd', 'hex'),
      Buffer.from([descriptor, ...rest]),
      raw(size),
      end,
    ]);
  const checksum = (text: string) => zstdCompressSync(text, withChecksum).subarray(-4);
  const frames = [
    frame(0x00, [0x58], 3),
    frame(0x20, [3], 3),
    frame(0x60, [0x2c, 0x00], 300),
    frame(0x40, [0x58, 0x2c, 0x00], 300),
    frame(0xa0, [3, 0, 0, 0], 3),
    frame(0xe0, [3, 0, 0, 0, 0, 0, 0, 0], 3),
    frame(0x24, [3], 3, checksum('xxx')),
  ];
  const all = Buffer.concat(frames);
  for (const size of [1, 7, 1000]) {
    const back = await collect(decompress(streamOf(...pieces(all, size)), 'zstd', 'layer'));
    assert.equal(back.toString(), 'x'.repeat(3 + 3 + 300 + 300 + 3 + 3 + 3));
  }
  const repeated = Buffer.from('28b52ffd2005' + '2b0000' + '79', 'hex');
  const back = await collect(decompress(streamOf(repeated, ...frames), 'zstd', 'layer'));
  assert.ok(back.toString().startsWith('yyyyyxxx'), 'a block of one byte, repeated');
});

test('zstd: the small pieces of a frame are joined before they are decoded', async () => {
  const packed = zstdCompressSync(randomBytes(300_000));
  for await (const frame of zstdFrames(streamOf(...pieces(packed, 1000)), 'layer')) {
    const sizes: number[] = [];
    for await (const piece of frame) sizes.push(piece.length);
    assert.ok(sizes.slice(0, -1).every(size => size >= 1 << 16 && size < (1 << 16) + 1000));
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      packed.length,
    );
  }
});

test('whoever stops early closes what the bytes come from', async () => {
  const packed = { zstd: zstdCompressSync(content), gzip: gzipSync(content), none: content };
  for (const bytes of Object.values(packed)) {
    let closed = 0;
    const chunks = (async function* () {
      try {
        yield* pieces(bytes, 1000);
      } finally {
        closed += 1;
      }
    })();
    for await (const _ of decompressAny(chunks, 'layer')) break;
    // a decoder ends its input when it is told to, a moment later
    for (let turn = 0; turn < 100 && closed === 0; turn += 1) {
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.equal(closed, 1);
  }
});

test('what becomes far more than it was is given up, each frame by itself', async () => {
  const zeros = zstdCompressSync(Buffer.alloc(64 << 20));
  const allowed = zeros.length * limits.unpackedRatio;
  assert.ok(allowed < 30 << 20, 'they are packed better than gzip can');
  const unpacked = async (most: number, compression: Compression, bytes: Buffer) => {
    let size = 0;
    for await (const chunk of decompress(streamOf(bytes), compression, 'layer', most)) {
      size += chunk.length;
    }
    return size;
  };
  await assert.rejects(unpacked(1 << 20, 'zstd', zeros), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /^layer unpacks to far more than an image can be\.$/);
    assert.match(error.details.tried ?? '', new RegExp(`^Its first ${zeros.length} bytes became`));
    return true;
  });
  assert.equal(await unpacked((64 << 20) - allowed, 'zstd', zeros), 64 << 20);
  await assert.rejects(unpacked((64 << 20) - allowed - 1, 'zstd', zeros), /far more/);
  const gzip = gzipSync(Buffer.alloc(8 << 20));
  assert.equal(await unpacked(0, 'gzip', gzip), 8 << 20, 'gzip cannot reach it');
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
