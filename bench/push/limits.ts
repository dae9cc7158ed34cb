// Measures what one core of this machine can do with an image's content: reads files that list its
// store paths, prints a `Limits` as JSON. Run on the machine that has the store.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { argv, cpuUsage } from 'node:process';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { zstdParameters as params } from '../../src/image/frame-compressors.ts';
import { frameSize } from '../../src/image/frames.ts';
import { storeEntries } from '../../src/image/store-tree.ts';
import { nixDialect } from '../../src/image/tar-header.ts';
import { tarBytes } from '../../src/image/tar-writer.ts';

/** Speeds in MB of uncompressed content per CPU second. */
export interface Limits {
  /** Bytes of the image as one tar. */
  bytes: number;
  files: number;
  /** Walking, reading from the page cache, and making the tar. */
  read: number;
  sha256: number;
  zstd: number;
  gzip: number;
  /** What compression leaves, as a fraction. */
  zstdRatio: number;
  gzipRatio: number;
}

/** Every n-th frame of the image stands for it. */
const sampleEvery = 12;

function readAll(paths: readonly string[]): { bytes: number; sample: Buffer[] } {
  const tar = tarBytes(storeEntries(paths, nixDialect), nixDialect);
  const frame = Buffer.allocUnsafeSlow(frameSize);
  const sample: Buffer[] = [];
  let bytes = 0;
  for (let count = 0; ; count++) {
    const length = tar.fill(frame) as number;
    bytes += length;
    if (count % sampleEvery === 0) sample.push(Buffer.from(frame.subarray(0, length)));
    if (length < frame.length) break;
  }
  void tar.close();
  return { bytes, sample };
}

/** MB per CPU second of some work, which other programs disturb less than MB/s by the clock. */
function rate(bytes: number, work: () => void): number {
  work(); // to warm up
  const before = cpuUsage();
  work();
  const { user, system } = cpuUsage(before);
  return bytes / (user + system);
}

/** As src/image/compress.ts does it. */
const chunkSize = frameSize + (frameSize >> 8) + 1024;

function measure(paths: readonly string[]): Limits {
  const { bytes, sample } = readAll(paths);
  const sampled = sample.reduce((sum, frame) => sum + frame.length, 0);
  const compressed = { zstd: 0, gzip: 0 };
  const each = (work: (frame: Buffer) => number) => () =>
    sample.reduce((sum, frame) => sum + work(frame), 0);
  const zstd = each(frame => zstdCompressSync(frame, { chunkSize, params }).length);
  const gzip = each(frame => gzipSync(frame, { chunkSize, level: 1 }).length);
  return {
    bytes,
    files: [...storeEntries(paths, nixDialect)].filter(entry => entry.type === 'file').length,
    read: rate(bytes, () => readAll(paths)),
    sha256: rate(sampled, () => {
      const hash = createHash('sha256');
      for (const frame of sample) hash.update(frame);
      hash.digest();
    }),
    zstd: rate(sampled, () => {
      compressed.zstd = zstd();
    }),
    gzip: rate(sampled, () => {
      compressed.gzip = gzip();
    }),
    zstdRatio: compressed.zstd / sampled,
    gzipRatio: compressed.gzip / sampled,
  };
}

const [listing = ''] = argv.slice(2);
console.log(JSON.stringify(measure(JSON.parse(readFileSync(listing, 'utf8')) as string[])));
