import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { frameCompressors, zstdParameters } from '../../../src/image/frame-compressors.ts';
import { fixedBytes } from '../golden/fixed.ts';

/** Text of a thousand words: a larger table, shorter matches and a wider window all find more in it. */
function words(length: number): Buffer {
  const draws = fixedBytes('draws', 2 * length);
  const vocabulary = Array.from({ length: 1024 }, (_, at) =>
    fixedBytes(`word ${at}`, 3 + (at % 9)).toString('hex'),
  );
  const text: string[] = [];
  for (let at = 0, size = 0; size < length; at += 2) {
    const word = vocabulary[draws.readUInt16LE(at) & 1023] ?? '';
    text.push(word);
    size += word.length + 1;
  }
  return Buffer.from(text.join(' ')).subarray(0, length);
}

const content = words(3 << 20);
const atLevel = (level: number) =>
  zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: level } });

test('a zstd frame states its size, a window of 2 MiB and no checksum', async () => {
  const frame = await frameCompressors.zstd(content);
  // RFC 8878, 3.1.1.1: a size of four bytes, none of the other flags; 2^(10 + 11) bytes of window
  assert.equal(frame.subarray(0, 6).toString('hex'), '28b52ffd8058');
  assert.equal(frame.readUInt32LE(6), content.length);
  assert.ok(zstdDecompressSync(frame).equals(content));
});

test('a small frame needs no window beyond its content', async () => {
  const frame = await frameCompressors.zstd(content.subarray(0, 200));
  assert.equal(frame.subarray(0, 6).toString('hex'), '28b52ffd20c8');
});

test('zstd works at its level 1, and finds more than that level does by itself', async () => {
  assert.equal(zstdParameters[constants.ZSTD_c_compressionLevel], 1);
  const { length } = await frameCompressors.zstd(content);
  assert.ok(length < atLevel(1).length, `${length} bytes, level 1 ${atLevel(1).length}`);
  // what Node makes of a level of -1
  assert.ok(atLevel(-1).equals(atLevel(3)));
  assert.notEqual(length, atLevel(3).length);
});
