/**
 * What decides how layers are read and compressed: zlib's output buffer, blocking or asynchronous reads,
 * zstd's parameters and the size of frames; and what packing takes of the main thread, which is the
 * limit where there are many cores. Run with: npm run bench:compress -- [/ABSOLUTE/FOLDER], such as an
 * unpacked wheel; without one an image of 2.5 GB is generated.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { argv, cpuUsage, resourceUsage, threadCpuUsage } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import { storeBlobSource } from '../src/image/blob-sources.ts';
import { framePool } from '../src/image/frames.ts';
import { storeEntries } from '../src/image/store-tree.ts';
import { nixDialect } from '../src/image/tar-header.ts';
import { tarBytes } from '../src/image/tar-writer.ts';
import type { Compression } from '../src/image/types.ts';
import { compareParameters } from './compress/parameters.ts';
import { realisticImage } from './push/images.ts';

const mebibyte = 2 ** 20;
const threads = availableParallelism();
const compressZstd = promisify(zstdCompress);
const compressGzip = promisify(gzip);

/**
 * Prints MB/s by the clock and per CPU second of work on so many bytes; the work's result is a
 * note.
 */
async function measure(name: string, bytes: number, work: () => Promise<string>) {
  const cpuBefore = cpuUsage();
  const start = performance.now();
  const note = await work();
  const seconds = (performance.now() - start) / 1000;
  const cpu = cpuUsage(cpuBefore);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const rate = (time: number) => (bytes / 1e6 / time).toFixed(0);
  console.log(`| ${name} | ${rate(seconds)} | ${rate(cpuSeconds)} | ${note} |`);
}

/** The tar of a folder in frames, up to `most` bytes. */
async function sample(folder: string, most: number): Promise<Buffer> {
  const tar = tarBytes(storeEntries([folder], nixDialect), nixDialect);
  const bytes = Buffer.alloc(most);
  const length = await tar.fill(bytes);
  await tar.close();
  return bytes.subarray(0, length);
}

/** Compresses all frames of a size, on as many threads as there are cores. */
async function compressAll(
  bytes: Buffer,
  size: number,
  compress: (frame: Buffer) => Promise<Buffer>,
): Promise<string> {
  let at = 0;
  let compressed = 0;
  const worker = async () => {
    while (at < bytes.length) {
      const frame = bytes.subarray(at, at + size);
      at += size;
      const result = await compress(frame);
      compressed += result.length;
    }
  };
  await Promise.all(Array.from({ length: threads }, worker));
  return `${((100 * compressed) / bytes.length).toFixed(1)} %`;
}

async function compareFrames(bytes: Buffer) {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  for (const mebibytes of [1, 2, 4, 8]) {
    const size = mebibytes * mebibyte;
    for (const chunkSize of [16384, 262_144, size + (size >> 8) + 1024]) {
      const name = `zstd, ${mebibytes} MiB frames, ${chunkSize} bytes of output buffer`;
      await measure(name, bytes.length, () =>
        compressAll(bytes, size, frame => compressZstd(frame, { chunkSize, params })),
      );
    }
  }
  const size = 4 * mebibyte;
  await measure('gzip, 4 MiB frames', bytes.length, () =>
    compressAll(bytes, size, frame => compressGzip(frame, { level: 1, chunkSize: size + 65536 })),
  );
  await measure('sha256', bytes.length, async () => {
    createHash('sha256').update(bytes).digest();
    return '';
  });
}

async function compareReading(folder: string) {
  const entries = [...storeEntries([folder], nixDialect)];
  const size = entries.reduce((sum, entry) => sum + entry.size, 0);
  await measure(
    'walk the tree',
    size,
    async () => `${[...storeEntries([folder], nixDialect)].length}`,
  );
  await measure('read, blocking', size, async () => {
    const tar = tarBytes(entries, nixDialect);
    const frame = Buffer.alloc(4 * mebibyte);
    while ((await tar.fill(frame)) === frame.length);
    return '';
  });
  await measure('read, streams', size, async () => {
    for (const entry of entries) {
      if (!entry.source) continue;
      for await (const chunk of createReadStream(Buffer.from(entry.source.path, 'latin1')))
        void chunk;
    }
    return '';
  });
}

/** Packs the folder as one blob; all CPU time, and the main thread's of it. */
async function compareBlobs(folder: string) {
  for (const compression of ['none', 'zstd', 'gzip'] satisfies Compression[]) {
    const packing = { compression, pool: framePool(threads) };
    const blob = storeBlobSource([folder], packing, { storeDir: dirname(folder) }).open();
    const start = performance.now();
    const [all, main] = [cpuUsage(), threadCpuUsage()];
    for await (const chunk of blob) void chunk;
    const bytes = blob.result().uncompressedSize;
    const wall = (bytes / 1e3 / (performance.now() - start)).toFixed(0);
    const perCpu = (bytes / microseconds(cpuUsage(all))).toFixed(0);
    const ofMain = (microseconds(threadCpuUsage(main)) / (bytes / 1e3)).toFixed(2);
    const peak = (resourceUsage().maxRSS / 1024).toFixed(0);
    const note = `main thread ${ofMain} CPU s a GB, peak ${peak} MiB`;
    console.log(`| whole blob, ${compression} | ${wall} | ${perCpu} | ${note} |`);
  }
}

const microseconds = ({ user, system }: NodeJS.CpuUsage) => user + system;

/** A folder with the image that `npm run bench` pushes; it is kept for the next run. */
function generatedImage(): string {
  const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const folder = here('../build/bench/compress');
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  for (const { name, seed, parts } of realisticImage(2.5e9, '1').flatMap(each => each.packages)) {
    const args = [here('push/flake/generate.mts'), seed, JSON.stringify(parts)];
    const env = { ...process.env, out: `${unfinished}/${name}` };
    const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' });
    if (status !== 0) throw new Error(`${name} could not be generated`);
  }
  renameSync(unfinished, folder);
  return folder;
}

const folder = argv[2] ?? generatedImage();
if (!folder.startsWith('/')) throw new Error('usage: node bench/compress.ts [/ABSOLUTE/FOLDER]');
console.log(`${threads} cores\n\n| work | MB/s | MB per CPU second | result |\n|---|---|---|---|`);
await compareBlobs(folder);
await compareReading(folder);
await compareFrames(await sample(folder, 256 * mebibyte));
await compareParameters(folder);
