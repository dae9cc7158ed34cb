/** Bytes cut into frames of one size, in buffers that are used again. */

/** Gives its bytes piece by piece into buffers of the caller. */
export interface ByteSource {
  /** Resolves when there is something to give, or the end. A buffer is lent only after that. */
  ready?(): Promise<void>;
  /** Fills the buffer as far as it can; fewer bytes than it holds only at the end. */
  fill(frame: Buffer): number | Promise<number>;
  /** Releases what the source holds open; may be called at any time, also twice. */
  close(): void | Promise<void>;
}

/**
 * Uncompressed bytes of a frame. Chosen by bench/compress.ts: smaller frames compress worse and
 * cost more calls, larger ones take more memory and are no faster. Part of the blobs' format:
 * another size makes other digests, though the same diffIDs.
 */
export const frameSize = 4 << 20;

/**
 * Buffers for all layers that are being made at one time: their number bounds the memory. A buffer
 * is lent until its content is compressed, whether or not anybody takes the result, so no layer can
 * keep another one waiting for ever.
 */
export interface FramePool {
  /**
   * Whether a layer with `own` frames between its reader and its consumer may begin another. All
   * layers share one budget, whose results take memory too; one frame is never refused.
   */
  mayBegin(own: number): boolean;
  /** Tells of frames that were begun (+1), or whose results were consumed (−1). */
  count(frames: number): void;
  take(): Promise<Buffer>;
  give(frame: Buffer): void;
}

/** A pool for a machine with so many cores (`os.availableParallelism()`). */
export function framePool(cores: number): FramePool {
  // one on each core, and some that are read, or wait for their consumer; reading and hashing feed no
  // more than eight
  const budget = Math.min(cores, 8) + 4;
  let begun = 0;
  const free: Buffer[] = [];
  const waiting: ((frame: Buffer) => void)[] = [];
  let made = 0;
  return {
    mayBegin: own => own === 0 || begun < budget,
    count(frames) {
      begun += frames;
    },
    take() {
      const frame = free.pop();
      if (frame) return Promise.resolve(frame);
      if (made < budget) {
        made += 1;
        // shared with the thread that hashes
        return Promise.resolve(Buffer.from(new SharedArrayBuffer(frameSize)));
      }
      return new Promise(resolve => waiting.push(resolve));
    },
    give(frame) {
      const next = waiting.shift();
      if (next) next(frame);
      else free.push(frame);
    },
  };
}

/** The bytes of an iterable, such as a stream, as a source. */
export function bytesOf(chunks: AsyncIterable<Buffer>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let ended = false;
  const ready = async () => {
    while (rest.length === 0 && !ended) {
      const next = await iterator.next();
      if (next.done) ended = true;
      else rest = next.value;
    }
  };
  return {
    ready,
    async fill(frame) {
      let at = 0;
      while (at < frame.length) {
        await ready();
        if (ended) return at;
        const count = rest.copy(frame, at);
        rest = rest.subarray(count);
        at += count;
      }
      return at;
    },
    async close() {
      await iterator.return?.();
    },
  };
}
