import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';

/** Reads an iterable's bytes in portions of one's own. All reject where it ends too early. */
export interface ByteReader {
  /** At least one byte and at most `most`, as they come. */
  some(most: number): Promise<Buffer>;
  exactly(count: number): Promise<Buffer>;
  skip(count: number): Promise<void>;
  /** Bytes read so far. */
  position(): number;
  /** Whether the iterable has ended and all of it was read. */
  atEnd(): Promise<boolean>;
  /** Ends the iterable; safe to call twice. */
  close(): Promise<void>;
}

/** @param name what the bytes are, for errors */
export function byteReader(chunks: AsyncIterable<Buffer>, name: string): ByteReader {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;

  const atEnd = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done) return true;
      rest = next.value;
    }
    return false;
  };

  const some = async (most: number): Promise<Buffer> => {
    if (await atEnd()) throw truncated(name);
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    position += taken.length;
    return taken;
  };

  const exactly = async (count: number): Promise<Buffer> => {
    if (count === 0) return Buffer.alloc(0);
    const first = await some(count);
    if (first.length === count) return first;
    const parts = [first];
    for (let left = count - first.length; left > 0; ) {
      const part = await some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  };

  const skip = async (count: number): Promise<void> => {
    for (let left = count; left > 0; ) left -= (await some(left)).length;
  };

  const close = async () => {
    await iterator.return?.();
  };
  return { some, exactly, skip, atEnd, close, position: () => position };
}

/** The error for bytes that end in the middle of something. */
export const truncated = (name: string) =>
  new Failure(`${visible(name)} ends too early.`, {
    next: 'It was cut off: make it, or fetch it, again.',
  });
