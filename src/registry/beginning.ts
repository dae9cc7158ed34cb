import type { BlobResult, BlobSource, BlobStream } from '../image/types.ts';

/** What a source turned out to be: a small blob, or one that goes on. */
type Beginning = { bytes: Buffer; result: BlobResult } | { rest: Pick<BlobSource, 'open'> };

/**
 * Reads a source to its end if that comes within so many bytes. Of a larger one it gives a source that
 * begins with what was read, to be opened within `work`.
 */
export async function withBeginning<Value>(
  source: Pick<BlobSource, 'open'>,
  most: number,
  signal: AbortSignal | undefined,
  work: (beginning: Beginning) => Promise<Value>,
): Promise<Value> {
  const stream = source.open(signal);
  const pieces = stream[Symbol.asyncIterator]();
  const read: Buffer[] = [];
  try {
    for (let size = 0; size <= most; ) {
      const next = await pieces.next();
      if (next.done) return await work({ bytes: Buffer.concat(read), result: stream.result() });
      // what is lent is gone when the next piece is asked for
      read.push(Buffer.from(next.value));
      size += next.value.length;
    }
    return await work({ rest: continued(source, stream, joined(read, pieces)) });
  } finally {
    await pieces.return?.();
  }
}

async function* joined(read: Buffer[], pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let piece = read.shift(); piece; piece = read.shift()) yield piece;
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
}

/** The first who opens it gets what is open; later ones begin anew. */
function continued(
  source: Pick<BlobSource, 'open'>,
  { result, bytesRead }: BlobStream,
  bytes: AsyncGenerator<Buffer>,
): Pick<BlobSource, 'open'> {
  let isOpened = false;
  return {
    open: signal => {
      if (isOpened) return source.open(signal);
      isOpened = true;
      return { [Symbol.asyncIterator]: () => bytes, result, bytesRead };
    },
  };
}
