import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { truncated } from '../byte-reader.ts';
import { unreadable } from '../store-tree.ts';
import { padding, toByteString } from '../tar-header.ts';
import { nextMember, type StreamedMember } from '../tar-reader.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';

const chunkSize = 1 << 20;

/** The bytes of a file, or of a part of it; rejects with a `Failure` that names the file. */
export async function* fileBytes(
  files: SourceFiles,
  path: string,
  start = 0,
  length = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  const file = await files.open(path);
  try {
    for (let at = 0; at < length; ) {
      const bytes = await readAt(file, path, start + at, Math.min(chunkSize, length - at));
      if (bytes.length === 0) {
        if (length === Number.POSITIVE_INFINITY) return;
        throw truncated(path);
      }
      at += bytes.length;
      yield bytes;
    }
  } finally {
    await file.handle.close();
  }
}

/** As many of the next bytes as the system gives at once; none at the file's end. */
async function readAt({ handle }: SourceFile, path: string, at: number, size: number) {
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, at);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw unreadable(toByteString(path), error);
  }
}

/** The size of a file in bytes. */
export async function fileSize(files: SourceFiles, path: string): Promise<number> {
  const { handle, size } = await files.open(path);
  await handle.close();
  return size;
}

/** A document whole; rejects where it is larger than any may be. */
export async function readDocument(files: SourceFiles, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of fileBytes(files, path)) {
    size += chunk.length;
    if (size > limits.document) throw tooLarge(path);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (path: string) =>
  new Failure(`${visible(path)} is larger than ${limits.document >> 20} MB: it is not read.`, {
    next: 'A description of an image is far smaller: look at what made it.',
  });

/** The members of an uncompressed tar file; what is not asked for is not read. */
export async function* tarFileMembers(
  files: SourceFiles,
  path: string,
): AsyncGenerator<StreamedMember> {
  const file = await files.open(path);
  let at = 0;
  const exactly = async (count: number): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for (const end = at + count; at < end; ) {
      const part = await readAt(file, path, at, end - at);
      if (part.length === 0) throw truncated(path);
      parts.push(part);
      at += part.length;
    }
    return Buffer.concat(parts);
  };
  try {
    for (;;) {
      const member = await nextMember({ exactly }, path);
      if (!member) return;
      const start = at;
      if (start + member.size > file.size) throw truncated(path);
      yield { ...member, start, content: () => fileBytes(files, path, start, member.size) };
      at = start + member.size + padding(member.size);
    }
  } finally {
    await file.handle.close();
  }
}
