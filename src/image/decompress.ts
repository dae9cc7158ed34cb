import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { visible } from '../host/visible.ts';
import { byteReader, truncated } from './byte-reader.ts';
import { digester } from './compress.ts';
import type { Compression } from './types.ts';
import { type Environment, type Program, throughProgram } from './unpack-program.ts';
import { zstdFrames } from './zstd-frames.ts';

/**
 * A layer's uncompressed bytes, to the end of its last zstd frame or gzip member. Throws a
 * {@link Failure} where the input is damaged or ends too early.
 *
 * @param name what the bytes are, for errors
 * @param most bytes that they may become whatever their own number is
 */
export async function* decompress(
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
  name: string,
  most: number = limits.unpacked,
): AsyncGenerator<Buffer> {
  if (compression === 'none') yield* chunks;
  else if (compression === 'gzip')
    yield* through(createGunzip({ chunkSize: 1 << 18 }), chunks, name, most);
  else {
    // Node's decoder stops after the first frame without an error, so each gets one of its own
    for await (const frame of zstdFrames(chunks, name)) {
      yield* through(createZstdDecompress({ chunkSize: 1 << 18 }), frame, name, most);
    }
  }
}

/** The compression of bytes, told by how they begin. */
export function compressionOf(start: Buffer): Compression | Program {
  if (start.length >= 2 && start.readUInt16BE() === 0x1f8b) return 'gzip';
  if (start.length >= 4 && start.readUInt32LE() === 0xfd2fb528) return 'zstd';
  if (start.subarray(0, xzMagic.length).equals(xzMagic)) return 'xz';
  if (/^BZh[1-9]/.test(start.toString('latin1', 0, 4))) return 'bzip2';
  return 'none';
}

const xzMagic = Buffer.from('fd377a585a00', 'hex');

/** Decompressed bytes of something whose compression only its beginning tells. */
export async function* decompressAny(
  chunks: AsyncIterable<Buffer>,
  name: string,
  env: Environment = {},
): AsyncGenerator<Buffer> {
  const reader = byteReader(chunks, name);
  const start: Buffer[] = [];
  let length = 0;
  while (length < xzMagic.length && !(await reader.atEnd())) {
    const chunk = await reader.some(1 << 20);
    start.push(chunk);
    length += chunk.length;
  }
  const all = rejoined(Buffer.concat(start), reader);
  const packed = compressionOf(Buffer.concat(start));
  if (packed === 'xz' || packed === 'bzip2') yield* throughProgram(packed, all, name, env);
  else yield* decompress(all, packed, name);
}

async function* rejoined(start: Buffer, reader: ReturnType<typeof byteReader>) {
  try {
    if (start.length > 0) yield start;
    while (!(await reader.atEnd())) yield await reader.some(1 << 20);
  } finally {
    await reader.close();
  }
}

/**
 * Passes bytes on and, at their end, throws a {@link Failure} where they do not have the digest.
 */
export async function* verified(
  chunks: AsyncIterable<Buffer>,
  digest: string,
  name: string,
): AsyncGenerator<Buffer> {
  const seen = digester();
  for await (const chunk of chunks) {
    seen.update(chunk);
    yield chunk;
  }
  if (seen.digest() !== digest) throw mismatch(name, digest, seen.digest());
}

/** The error for bytes that are not those that were announced. */
export const mismatch = (name: string, expected: string, found: string) =>
  new Failure(`${visible(name)} does not have the digest that it should have.`, {
    evidence: [`expected ${visible(expected)}`, `found    ${visible(found)}`],
    next: 'Its bytes are damaged or were changed: make it, or fetch it, again.',
  });

/** Passes bytes through a decoder of Node's. */
async function* through(
  decoder: Transform,
  chunks: AsyncIterable<Buffer>,
  name: string,
  most: number,
): AsyncGenerator<Buffer> {
  let read = 0;
  let written = 0;
  const counted = async function* () {
    for await (const chunk of chunks) {
      read += chunk.length;
      yield chunk;
    }
  };
  // an error of either ends the loop below
  pipeline(Readable.from(counted()), decoder, () => undefined);
  try {
    for await (const chunk of decoder) {
      written += chunk.length;
      if (written > most + read * limits.unpackedRatio) throw bomb(name, read, most);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Failure ? error : decodingFailure(error, name);
  }
}

const bomb = (name: string, read: number, most: number) =>
  new Failure(`${visible(name)} unpacks to far more than an image can be.`, {
    tried: `Its first ${read} bytes became more than ${most / 2 ** 30} GiB.`,
    next: 'Look at what made it, and leave out of the image what is nothing but zeros.',
  });

/** What a decoder says; errors of the input, such as an aborted read, stay as they are. */
function decodingFailure(error: unknown, name: string): unknown {
  if (!(error instanceof Error && 'errno' in error && 'code' in error)) return error;
  const { code, message } = error;
  if (code === 'Z_BUF_ERROR') return truncated(name);
  return new Failure(`${visible(name)} cannot be decompressed: ${message}`, {
    next: 'Its bytes are damaged: make it, or fetch it, again.',
    cause: error,
  });
}
