import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { compact, frameCompressors, giveBack } from './frame-compressors.ts';
import { type ByteSource, type FramePool, frameSize } from './frames.ts';
import { watchStages } from './stages.ts';
import { digestElsewhere, digestHere, type RunningDigest } from './tar-digest.ts';
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
 * timing. A few frames are in flight, in all layers together; when the consumer stops asking, reading
 * stops. A piece is lent: it is empty once the next one is asked for.
 */
export function compressedBlob(
  open: () => ByteSource,
  { compression, pool }: Packing,
  signal?: AbortSignal,
): BlobStream {
  const stored = digester();
  let uncompressedSize = 0;
  let diffId: string | undefined;
  const watch = watchStages();
  const asStored = { update: async () => undefined, digest: async () => stored.digest() };

  async function* pieces(): AsyncGenerator<Buffer> {
    const frames = frameReader(open(), compression === 'none' ? freshFrames : pool);
    const inFlight: Promise<Buffer>[] = [];
    let tar: RunningDigest | undefined;
    try {
      while (!frames.ended() || inFlight.length > 0) {
        while (!frames.ended() && pool.mayBegin(inFlight.length)) {
          signal?.throwIfAborted();
          const content = await frames.read();
          uncompressedSize += content.length;
          tar ??= compression === 'none' ? asStored : tarDigest(frames.ended());
          inFlight.push(packFrame(content, compression, tar, frames.release));
          pool.count(1);
          // reading blocks: uploads and other layers get their turn after each frame
          await setImmediate();
          watch.passed('pack');
        }
        const piece = await inFlight[0];
        watch.passed('compress');
        if (piece && piece.length > 0) {
          stored.update(piece);
          yield piece;
          watch.passed('upload');
          if (compression !== 'none') giveBack(piece);
        }
        inFlight.shift();
        pool.count(-1);
      }
      diffId = await tar?.digest();
    } finally {
      await Promise.allSettled(inFlight);
      pool.count(-inFlight.length);
      await frames.close();
    }
  }

  return {
    [Symbol.asyncIterator]: pieces,
    bytesRead: () => uncompressedSize,
    stages: () => watch.stages,
    result(): BlobResult {
      if (!diffId) throw new Error('A blob has a result only when it was read to its end.');
      return { digest: stored.digest(), size: stored.size(), diffId, uncompressedSize };
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

/** A thread is worth its start only where there is more than one frame. */
const tarDigest = (isSingleFrame: boolean) => (isSingleFrame ? digestHere() : digestElsewhere());

/**
 * Hashes and compresses one frame, then releases it. Resolves to the frame itself where nothing
 * compresses.
 */
function packFrame(
  content: Buffer,
  compression: Compression,
  tar: RunningDigest,
  release: (content: Buffer) => void,
): Promise<Buffer> {
  const packed = (async () => {
    const hashed = tar.update(content);
    hashed.catch(() => undefined); // awaited below
    try {
      if (compression === 'none' || content.length === 0) return content;
      return compact(await frameCompressors[compression](content));
    } finally {
      await hashed;
      release(content);
    }
  })();
  // it is awaited in its turn; until then a failure must not count as unhandled
  packed.catch(() => undefined);
  return packed;
}
