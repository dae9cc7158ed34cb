import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import type { NamedEntry } from './entries.ts';
import { refused } from './refused.ts';
import type { Zip } from './zip.ts';

/** Bytes that are read at a time. */
const pieceSize = 2 ** 20;

/** Up to so many bytes an entry is inflated at once: a stream costs more than they do. */
const smallSize = 2 ** 18;

/**
 * The bytes of an entry, in order. Throws a {@link Failure} where the archive says something else of them.
 */
export async function* contentOf(zip: Zip, entry: NamedEntry): AsyncGenerator<Buffer> {
  const { name, start } = await zip.locate(entry.zip);
  if (!name.equals(entry.zip.name)) throw refused(entry.name, 'its local header has another name');
  const { packedSize, method, crc32: expected } = entry.zip;
  const packed = range(zip.file, start, packedSize);
  const chunks = method === 0 ? packed : inflated(packed, entry);
  let size = 0;
  let checksum = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > entry.zip.size) break;
    checksum = crc32(chunk, checksum);
    yield chunk;
  }
  if (size !== entry.zip.size) throw wrongSize(entry.name);
  if (checksum !== expected) throw refused(entry.name, 'its checksum is not what the archive says');
}

/** A part of a file; fewer bytes where it ends. */
async function* range(file: FileHandle, start: number, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, size - at));
    const { bytesRead } = await file.read(piece, 0, piece.length, start + at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function* inflated(packed: AsyncIterable<Buffer>, entry: NamedEntry): AsyncGenerator<Buffer> {
  const { packedSize, size } = entry.zip;
  const isSmall = packedSize <= smallSize && size <= smallSize;
  try {
    const used = isSmall ? yield* inflatedAtOnce(packed, size) : yield* inflatedStream(packed);
    if (used !== packedSize) throw wrongSize(entry.name);
  } catch (error) {
    throw asRefusal(error, entry.name);
  }
}

/** What zlib says; errors of the file stay as they are. */
function asRefusal(error: unknown, name: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return wrongSize(name, error);
  return code.startsWith('Z_') ? refused(name, 'its compressed bytes are damaged', error) : error;
}

const wrongSize = (name: string, cause?: unknown) =>
  refused(name, 'its size is not what the archive says', cause);

/** What Node gives with `info`, which its types lack. */
interface Informed {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

/** Returns how many of the packed bytes it took. */
async function* inflatedAtOnce(
  packed: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<Buffer, number> {
  // no number of bytes may be none
  const options = { maxOutputLength: Math.max(1, size), info: true };
  const { buffer: bytes, engine } = inflateRawSync(
    await buffer(packed),
    options,
  ) as unknown as Informed;
  if (bytes.length > 0) yield bytes;
  return engine.bytesWritten;
}

async function* inflatedStream(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer, number> {
  const decoder = createInflateRaw({ chunkSize: pieceSize });
  // an error of either ends the loop below
  pipeline(Readable.from(packed), decoder, () => undefined);
  for await (const chunk of decoder) yield chunk;
  return decoder.bytesWritten;
}
