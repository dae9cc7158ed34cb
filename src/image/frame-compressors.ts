import { constants, createZstdCompress, gzip } from 'node:zlib';
import type { Compression } from './types.ts';

/**
 * The content of a frame as a zstd frame or a gzip member. The result's memory is as large as the
 * content's: see {@link giveBack}.
 */
export const frameCompressors: Readonly<
  Record<Exclude<Compression, 'none'>, (content: Buffer) => Promise<Buffer>>
> = { zstd: content => zstdFrame(content), gzip: gzipMember };

/** At least ZSTD_compressBound and deflateBound. */
const outputSize = (length: number) => length + (length >> 8) + 1024;

/**
 * Level 1 with a larger table, shorter matches and a window of 2 MiB: 2 to 7 in a hundred bytes fewer at
 * about its speed (docs/performance.md, "Bytes"). A level below 1 would be no faster: Node reads it as 3.
 * Any decoder takes a window of 8 MiB (RFC 8878, 3.1.1.1.2).
 */
export const zstdParameters: Readonly<Record<number, number>> = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_hashLog]: 15,
  [constants.ZSTD_c_minMatch]: 6,
  [constants.ZSTD_c_windowLog]: 21,
  [constants.ZSTD_c_contentSizeFlag]: 1,
  [constants.ZSTD_c_checksumFlag]: 0,
};

/**
 * An output buffer that holds any result makes one call of each frame; with Node's default of 16 kB
 * zstd takes one and a half times as long (bench/compress.ts). Told to end with the first call, zstd
 * works in place instead of through a window of its own: a sixth of the CPU time of a push. The
 * stream gives the frame without a copy, which `zstdCompress` joins with the empty one.
 */
export function zstdFrame(content: Buffer, params = zstdParameters): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const stream = createZstdCompress({
    chunkSize: outputSize(content.length),
    flush: constants.ZSTD_e_end,
    params,
  });
  const pieces: Buffer[] = [];
  stream.on('data', piece => pieces.push(piece));
  stream.once('error', reject);
  stream.once('end', () => resolve(withoutEmptyFrame(pieces)));
  stream.end(content);
  return promise;
}

/** What Node's second call, which has no data, adds: a frame of its own without content. */
const emptyFrame = Buffer.from('28b52ffd2000010000', 'hex');

function withoutEmptyFrame(pieces: readonly Buffer[]): Buffer {
  const frames = pieces.filter(piece => !piece.equals(emptyFrame));
  return frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames);
}

function gzipMember(content: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gzip(content, { level: 1, chunkSize: outputSize(content.length) }, (error, member) => {
    if (error) return reject(error);
    // the header's time is 0 already; its operating system becomes "unknown" everywhere
    member[9] = 255;
    resolve(member);
  });
  return promise;
}

/** Bytes. Smaller buffers may be parts of Node's pool, and are cheap to collect. */
const worthGivingBack = 1 << 20;

/** A result that stands on its own where it is small: copied, and its large buffer given back. */
export function compact(result: Buffer): Buffer {
  if (result.length >= worthGivingBack) return result;
  const copy = Buffer.from(result);
  giveBack(result);
  return copy;
}

/**
 * Frees the memory of a buffer at once, which is empty from then on. Left to the collector, the results
 * of a push make it collect the whole heap with every few of them.
 */
export function giveBack({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= worthGivingBack) buffer.transfer(0);
}
