import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ByteSource } from '../../../src/image/frames.ts';
import type { BlobStream } from '../../../src/image/types.ts';

/** A folder that is gone when the test has ended. */
export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-test-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** All bytes of a source, asked for in buffers of `size` bytes. */
export async function allBytes(source: ByteSource, size = 1 << 20): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const frame = Buffer.alloc(size);
    const length = await source.fill(frame);
    chunks.push(frame.subarray(0, length));
    if (length < size) break;
  }
  await source.close();
  return Buffer.concat(chunks);
}

/** All bytes of an iterable. */
export async function collect(chunks: AsyncIterable<Buffer> | BlobStream): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk)); // chunks are lent
  return Buffer.concat(all);
}

/** The chunks as a stream would bring them. */
export async function* streamOf(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
