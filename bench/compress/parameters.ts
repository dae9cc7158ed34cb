import { cpuUsage } from 'node:process';
import { constants } from 'node:zlib';
import { zstdFrame, zstdParameters } from '../../src/image/frame-compressors.ts';
import { frameSize } from '../../src/image/frames.ts';
import { storeEntries } from '../../src/image/store-tree.ts';
import { nixDialect } from '../../src/image/tar-header.ts';
import { tarBytes } from '../../src/image/tar-writer.ts';

type Parameters = Readonly<Record<number, number>>;

/** A way to compress, and what it took in each round. */
interface Candidate {
  name: string;
  parameters: Parameters;
  /** Uncompressed bytes of a frame. */
  size: number;
  cpuSeconds: number[];
  compressed: number;
}

/** Bytes of a piece: a multiple of all sizes of frames. */
const pieceSize = 16 << 20;
const rounds = 5;

/** The tar of a folder in pieces, evenly out of all of it: about `most` bytes. */
async function pieces(folder: string, most: number): Promise<Buffer[]> {
  const entries = [...storeEntries([folder], nixDialect)];
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const every = Math.max(1, Math.round(bytes / most));
  const tar = tarBytes(entries, nixDialect);
  const piece = Buffer.alloc(pieceSize);
  const chosen: Buffer[] = [];
  for (let at = 0, length = pieceSize; length === pieceSize; at++) {
    length = await tar.fill(piece);
    if (at % every === 0) chosen.push(Buffer.from(piece.subarray(0, length)));
  }
  await tar.close();
  return chosen;
}

function candidates(): Candidate[] {
  const { ZSTD_c_compressionLevel: level, ZSTD_c_hashLog: table } = constants;
  const { ZSTD_c_minMatch: match, ZSTD_c_windowLog: window } = constants;
  const set = (name: string, parameters: Parameters = {}, size = frameSize): Candidate => ({
    ...{ name, size, cpuSeconds: [], compressed: 0 },
    parameters: { [constants.ZSTD_c_contentSizeFlag]: 1, [level]: 1, ...parameters },
  });
  const chosen = (size: number) => set(`chosen, frames of ${size >> 20} MiB`, zstdParameters, size);
  return [
    set('level 1'),
    ...[frameSize / 2, frameSize, 2 * frameSize, 4 * frameSize].map(chosen),
    set('level 1, table 2^15, matches of 6', { [table]: 15, [match]: 6 }),
    ...[20, 22].map(log => set(`chosen, window 2^${log}`, { ...zstdParameters, [window]: log })),
    ...[14, 16].map(log => set(`chosen, table 2^${log}`, { ...zstdParameters, [table]: log })),
    ...[5, 7].map(least =>
      set(`chosen, matches of ${least}`, { ...zstdParameters, [match]: least }),
    ),
    ...[2, 3].map(each => set(`level ${each}`, { [level]: each })),
  ];
}

async function compress({ parameters, size }: Candidate, all: readonly Buffer[]): Promise<number> {
  let compressed = 0;
  for (const piece of all) {
    for (let at = 0; at < piece.length; at += size) {
      compressed += (await zstdFrame(piece.subarray(at, at + size), parameters)).length;
    }
  }
  return compressed;
}

/**
 * Prints what ways to compress leave of a folder, and CPU time and bytes against those of level 1: one
 * frame after the other, in turn, medians of the ratios in each round.
 */
export async function compareParameters(folder: string): Promise<void> {
  const all = await pieces(folder, 320e6);
  const bytes = all.reduce((sum, { length }) => sum + length, 0);
  const compared = candidates();
  for (let round = 0; round < rounds; round++) {
    for (const candidate of compared) {
      const before = cpuUsage();
      candidate.compressed = await compress(candidate, all);
      const { user, system } = cpuUsage(before);
      candidate.cpuSeconds.push((user + system) / 1e6);
    }
  }
  const [first] = compared;
  console.log(`\n| zstd, ${(bytes / 1e6).toFixed(0)} MB | leaves | bytes | CPU time | MB/s |`);
  console.log('|---|---|---|---|---|');
  for (const { name, compressed, cpuSeconds } of compared) {
    const left = `${((100 * compressed) / bytes).toFixed(2)} %`;
    const ratio = (compressed / (first?.compressed ?? 1)).toFixed(3);
    const cpu = median(cpuSeconds.map((took, at) => took / (first?.cpuSeconds[at] ?? 1)));
    const rate = (bytes / 1e6 / median(cpuSeconds)).toFixed(0);
    console.log(`| ${name} | ${left} | ${ratio} | ${cpu.toFixed(2)} | ${rate} |`);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
