/** Drops the first `count` bytes. */
export async function* skipping(
  bytes: AsyncIterable<Buffer>,
  count: number,
): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of bytes) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/**
 * Joins chunks until each (but the last) has at least `least` bytes; larger ones are not copied.
 */
export async function* gathered(
  bytes: AsyncIterable<Buffer>,
  least: number,
): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < least) continue;
    yield* waiting.length === 1 ? waiting : [Buffer.concat(waiting)];
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting);
}

/**
 * Cuts bytes into chunks of exactly `size`, the last one excepted, all in the same memory: each is done
 * with when the next one is asked for.
 */
export async function* chunksOf(bytes: AsyncIterable<Buffer>, size: number) {
  const buffer = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of bytes) {
    for (let start = 0; start < chunk.length; ) {
      const copied = chunk.copy(buffer, filled, start);
      filled += copied;
      start += copied;
      if (filled < size) continue;
      yield buffer;
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

/** Tells of the bytes that were taken, as they are taken, and of the end. */
export async function* watched(
  bytes: AsyncIterable<Buffer>,
  taken: (total: number) => void,
  ended?: () => void,
): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of bytes) {
    yield chunk;
    total += chunk.length;
    taken(total);
  }
  ended?.();
}
