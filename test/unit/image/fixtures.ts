import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ByteSource } from '../../../src/image/frames.ts';
import { filesOfPath, type SourceStore } from '../../../src/image/sources/source-files.ts';
import type { BlobStream } from '../../../src/image/types.ts';

/** A folder that is gone when the test has ended. */
export function temporaryFolder(test: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'image-test-')));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder as a store, in which every path refers to all the others. */
const storeOf = (folder: string): SourceStore => ({
  storeDir: folder,
  place: folder,
  closureOf: async () => new Set(readdirSync(folder).map(name => `${folder}/${name}`)),
});

/** What may be read of an image that lies in the store `folder`. */
export const filesIn = (folder: string, path: string) =>
  filesOfPath(path, async () => storeOf(folder));

/** What may be read of an image that lies in no store. */
export const filesAt = (path: string) => filesOfPath(path, async () => undefined);

/** A store path's name: 32 digits of Nix, and what it is called. */
export const hashed = (name: string) => `${'0'.repeat(32)}-${name}`;

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
