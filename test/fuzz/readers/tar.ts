import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { decompressAny } from '../../../src/image/decompress.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { archiveStream } from '../../../src/image/sources/archive-image.ts';
import { readTar } from '../../../src/image/tar-reader.ts';
import { zstdFrames } from '../../../src/image/zstd-frames.ts';
import { smallArchive, smallConfig, smallLayer, smallManifest } from '../../tools/small-image.ts';
import { brokenTar, damagedBytes } from '../broken-tar.ts';
import { mutatedJson } from '../mutations.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

/** Reads all that comes, and gives its size. */
async function drain(chunks: AsyncIterable<Buffer>): Promise<number> {
  let size = 0;
  for await (const chunk of chunks) size += chunk.length;
  return size;
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const documents = [JSON.stringify(smallManifest), JSON.stringify(smallConfig())];
const tars = brokenTar(smallArchive(), [smallLayer, ...documents.map(text => Buffer.from(text))]);
const archives = fc
  .tuple(mutatedJson(smallManifest), mutatedJson(smallConfig()), fc.boolean())
  .map(([manifest, config, both]) => smallArchive(both ? { manifest, config } : { config }));

const packed = [smallLayer, Buffer.alloc(0), Buffer.alloc(200_000)].flatMap(bytes => [
  gzipSync(bytes),
  zstdCompressSync(bytes),
]);
const skippable = Buffer.from('502a4d18030000006b6b6b', 'hex');
const frames = fc.constantFrom(...packed, skippable, skippable.subarray(0, 7));
/** A frame's magic number and what need not be one. */
const beginning = fc
  .uint8Array({ maxLength: 12 })
  .map(bytes => joined([Buffer.from('28b52ffd', 'hex'), bytes]));
const joined = (parts: readonly Uint8Array[]) => Buffer.concat(parts);
const packing = { compression: 'none' as const, pool: framePool(1) };
const choice = { platform: linuxOn('amd64'), env: process.env };

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'members of a tar',
    cases: fc.record({ tar: tars, size: fc.constantFrom(1 << 20, 700, 512) }),
    async read({ tar, size }) {
      for await (const member of readTar(inPieces(tar, size), 'tar')) {
        if (member.type === 'file') await drain(member.content());
      }
    },
  }),
  fuzzed({
    name: 'a docker archive',
    cases: fc.oneof(tars, archives),
    read: tar => archiveStream(() => inPieces(tar, 1 << 20), 'archive', packing, choice),
  }),
  fuzzed({
    name: 'compressed data',
    cases: fc.oneof(
      fc.constantFrom(...packed).chain(damagedBytes),
      fc.array(frames, { maxLength: 3 }).map(joined),
    ),
    read: bytes => drain(decompressAny(inPieces(bytes, 5000), 'layer')),
  }),
  fuzzed({
    name: 'borders of zstd frames',
    cases: fc.record({
      bytes: fc
        .array(fc.oneof(frames, frames, beginning), { maxLength: 3 })
        .map(parts => joined(parts)),
      size: fc.integer({ min: 1, max: 900 }),
    }),
    async read({ bytes, size }) {
      for await (const frame of zstdFrames(inPieces(bytes, size), 'layer')) await drain(frame);
    },
  }),
];
