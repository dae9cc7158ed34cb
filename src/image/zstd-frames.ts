import { Failure } from '../host/failure.ts';
import { type ByteReader, byteReader } from './byte-reader.ts';

const frameMagic = 0xfd2fb528;
const isSkippable = (magic: number) => (magic & 0xfffffff0) >>> 0 === 0x184d2a50;

/**
 * Cuts zstd data (RFC 8878) at the borders of its frames, without decompressing it; skippable
 * frames are left out. Each frame must be read to its end before the next is asked for. Throws a
 * {@link Failure} where the data ends within a frame or is none.
 */
export async function* zstdFrames(
  chunks: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<AsyncGenerator<Buffer>> {
  const reader = byteReader(chunks, name);
  try {
    while (!(await reader.atEnd())) {
      const magic = await reader.exactly(4);
      if (isSkippable(magic.readUInt32LE())) {
        await reader.skip((await reader.exactly(4)).readUInt32LE());
      } else if (magic.readUInt32LE() === frameMagic) {
        yield inLargerChunks(frame(magic, reader));
      } else {
        throw new Failure(`${name} is damaged: there is no zstd frame where one should begin.`, {
          next: 'Make it, or fetch it, again.',
        });
      }
    }
  } finally {
    await reader.close();
  }
}

async function* frame(magic: Buffer, reader: ByteReader): AsyncGenerator<Buffer> {
  const descriptor = await reader.exactly(1);
  const flags = descriptor.readUInt8();
  const header = await reader.exactly(headerLength(flags));
  yield Buffer.concat([magic, descriptor, header]);
  for (let last = false; !last; ) {
    const blockHeader = await reader.exactly(3);
    const value = blockHeader.readUIntLE(0, 3);
    yield blockHeader;
    last = (value & 1) === 1;
    const isRepeatedByte = ((value >> 1) & 3) === 1;
    let left = isRepeatedByte ? 1 : value >> 3;
    while (left > 0) {
      const part = await reader.some(left);
      left -= part.length;
      yield part;
    }
  }
  if (flags & 4) yield await reader.exactly(4);
}

/** Bytes after the frame header's descriptor: window, dictionary id, content size. */
function headerLength(flags: number): number {
  const singleSegment = (flags >> 5) & 1;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const contentSize = [singleSegment, 2, 4, 8][flags >> 6] ?? 0;
  return (singleSegment ? 0 : 1) + dictionary + contentSize;
}

/** Joins small pieces: every chunk costs its reader a call into another thread. */
async function* inLargerChunks(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    held.push(piece);
    size += piece.length;
    if (size < 1 << 16) continue;
    yield Buffer.concat(held, size);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held, size);
}
