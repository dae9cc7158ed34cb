import { createCipheriv, createHash } from 'node:crypto';
import type { RetryPolicy } from '../../src/host/http/retry.ts';
import type { BlobSource } from '../../src/image/types.ts';

/** Retries that do not wait; `waits` tells how long they would have. */
export function instantRetries(waits: number[] = []): Partial<RetryPolicy> {
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    waits.push(ms);
  };
  return { sleep, random: () => 0.5 };
}

/** Bytes that look random and are the same each time. */
export function noise(size: number, seed: number): Buffer {
  const key = Buffer.alloc(16, seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export const sha256 = (bytes: Buffer) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An uncompressed layer of these bytes, in pieces; `opened` counts how often it was read. */
export function layerOf(bytes: Buffer, pieceSize = 100_000): BlobSource & { opened: number } {
  const source = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    uncompressedSize: bytes.length,
    opened: 0,
    open: () => {
      source.opened += 1;
      let at = 0;
      const pieces = async function* () {
        for (at = 0; at < bytes.length; ) {
          const piece = bytes.subarray(at, at + pieceSize);
          at += piece.length;
          yield piece;
        }
      };
      return {
        [Symbol.asyncIterator]: pieces,
        bytesRead: () => at,
        result: () => {
          if (at < bytes.length) throw new Error('not read to its end');
          const digest = sha256(bytes);
          return { digest, diffId: digest, size: bytes.length, uncompressedSize: bytes.length };
        },
      };
    },
  };
  return source;
}
