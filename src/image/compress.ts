import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { constants, gzip, zstdCompress } from 'node:zlib';
import { type ByteSource, type FramePool, frameSize } from './frames.ts';
import type { BlobResult, BlobStream, Compression } from './types.ts';

/** How layers are packed; one pool serves all layers of a run. */
export interface Packing {
  compression: Compression;
  pool: FramePool;
}

/**
 * A layer's blob made from its uncompressed bytes in one pass. The bytes are cut into frames of
 * {@link frameSize}, which zlib's threads compress side by side into independent zstd frames or
 * gzip members; they come out in order, so the blob depends neither on the cores nor on their
 * timing. A few frames are in flight, in all layers together; when the consumer stops asking, reading stops.
 */
export function compressedBlob(
  open: () => ByteSource,
  { compression, pool }: Packing,
  signal?: AbortSignal,
): BlobStream {
  const uncompressed = digester();
  const stored = compression === 'none' ? uncompressed : digester();
  let ended = false;

  async function* pieces(): AsyncGenerator<Buffer> {
    const frames = frameReader(open(), compression === 'none' ? freshFrames : pool);
    const inFlight: Promise<Buffer>[] = [];
    try {
      while (!frames.ended() || inFlight.length > 0) {
        while (!frames.ended() && pool.mayBegin(inFlight.length)) {
          signal?.throwIfAborted();
          const content = await frames.read();
          uncompressed.update(content);
          inFlight.push(compressFrame(content, compression, frames.release));
          pool.count(1);
          // reading blocks: uploads and other layers get their turn after each frame
          await setImmediate();
        }
        const piece = await inFlight[0];
        if (piece && piece.length > 0) {
          if (stored !== uncompressed) stored.update(piece);
          yield piece;
        }
        inFlight.shift();
        pool.count(-1);
      }
      ended = true;
    } finally {
      await Promise.allSettled(inFlight);
      pool.count(-inFlight.length);
      await frames.close();
    }
  }

  return {
    [Symbol.asyncIterator]: pieces,
    bytesRead: uncompressed.size,
    result(): BlobResult {
      if (!ended) throw new Error('A blob has a result only when it was read to its end.');
      return {
        digest: stored.digest(),
        size: stored.size(),
        diffId: uncompressed.digest(),
        uncompressedSize: uncompressed.size(),
      };
    },
  };
}

/** The sha256 digest ("sha256:…") and the size of what passes by. */
export function digester() {
  const hash = createHash('sha256');
  let size = 0;
  let digest: string | undefined;
  return {
    update(bytes: Buffer) {
      hash.update(bytes);
      size += bytes.length;
    },
    size: () => size,
    digest: () => {
      digest ??= `sha256:${hash.digest('hex')}`;
      return digest;
    },
  };
}

/** Where no frame comes back: uncompressed frames belong to the consumer. */
const freshFrames = {
  take: async () => Buffer.allocUnsafeSlow(frameSize),
  give: () => undefined,
};

function frameReader(source: ByteSource, pool: Pick<FramePool, 'take' | 'give'>) {
  let ended = false;
  return {
    ended: () => ended,
    /** The next frame's content; empty only where the source has nothing more. */
    async read(): Promise<Buffer> {
      await source.ready?.();
      const frame = await pool.take();
      try {
        const length = await source.fill(frame);
        ended = length < frame.length;
        return frame.subarray(0, length);
      } catch (error) {
        pool.give(frame);
        throw error;
      }
    },
    /** Gives back the buffer that a content is part of. */
    release: (content: Buffer) => pool.give(Buffer.from(content.buffer)),
    close: () => source.close(),
  };
}

/**
 * Compresses one frame, then releases it. Resolves to the frame itself where nothing compresses.
 */
function compressFrame(
  content: Buffer,
  compression: Compression,
  release: (content: Buffer) => void,
): Promise<Buffer> {
  if (compression === 'none' || content.length === 0) {
    release(content);
    return Promise.resolve(content);
  }
  const compressed = new Promise<Buffer>((resolve, reject) => {
    compressors[compression](content, (error, result) => {
      release(content);
      if (error) reject(error);
      // a small result would keep all of the buffer that it was written to
      else resolve(result.length < frameSize / 2 ? Buffer.from(result) : result);
    });
  });
  // it is awaited in its turn; until then a failure must not count as unhandled
  compressed.catch(() => undefined);
  return compressed;
}

type Compressor = (content: Buffer, done: (error: Error | null, result: Buffer) => void) => void;

/**
 * An output buffer that holds any result makes one call of each frame; with Node's default of 16 kB
 * zstd takes one and a half times as long (bench/compress.ts). Told to end with the first call, zstd
 * works in place instead of through a window of its own: a sixth of the CPU time of a push. Level 1: a link of 100 MB/s is
 * faster than any higher level.
 */
const compressors: Record<'zstd' | 'gzip', Compressor> = {
  zstd: (content, done) =>
    zstdCompress(
      content,
      {
        chunkSize: outputSize(content.length),
        flush: constants.ZSTD_e_end,
        params: {
          [constants.ZSTD_c_compressionLevel]: 1,
          [constants.ZSTD_c_contentSizeFlag]: 1,
          [constants.ZSTD_c_checksumFlag]: 0,
        },
      },
      (error, result) => done(error, error ? result : withoutEmptyFrame(result)),
    ),
  gzip: (content, done) =>
    gzip(content, { level: 1, chunkSize: outputSize(content.length) }, (error, result) => {
      // the header's time is 0 already; its operating system becomes "unknown" everywhere
      if (!error) result[9] = 255;
      done(error, result);
    }),
};

/** What Node's second call, which has no data, adds: a frame of its own without content. */
const emptyFrame = Buffer.from('28b52ffd2000010000', 'hex');

function withoutEmptyFrame(frames: Buffer): Buffer {
  const end = frames.length - emptyFrame.length;
  return end > 0 && frames.subarray(end).equals(emptyFrame) ? frames.subarray(0, end) : frames;
}

/** At least ZSTD_compressBound and deflateBound. */
const outputSize = (length: number) => length + (length >> 8) + 1024;
