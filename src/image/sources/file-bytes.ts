import { type FileHandle, open } from 'node:fs/promises';
import { truncated } from '../byte-reader.ts';
import { unreadable } from '../store-tree.ts';
import { padding, toByteString } from '../tar-header.ts';
import { nextMember, type StreamedMember } from '../tar-reader.ts';

const chunkSize = 1 << 20;

/** The bytes of a file, or of a part of it; rejects with a `Failure` that names the file. */
export async function* fileBytes(
  path: string,
  start = 0,
  length = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  const file = await openFile(path);
  try {
    for (let at = 0; at < length; ) {
      const size = Math.min(chunkSize, length - at);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, start + at);
      if (bytesRead === 0) {
        if (length === Number.POSITIVE_INFINITY) return;
        throw truncated(path);
      }
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw unreadable(toByteString(path), error);
  }
}

/** The size of a file in bytes. */
export async function fileSize(path: string): Promise<number> {
  const file = await openFile(path);
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** A small file whole. */
export async function readSmallFile(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of fileBytes(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The members of an uncompressed tar file; what is not asked for is not read. */
export async function* tarFileMembers(path: string): AsyncGenerator<StreamedMember> {
  const file = await openFile(path);
  let at = 0;
  const exactly = async (count: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(count), 0, count, at);
    if (bytesRead < count) throw truncated(path);
    at += count;
    return buffer;
  };
  try {
    for (;;) {
      const member = await nextMember({ exactly }, path);
      if (!member) return;
      const start = at;
      yield { ...member, start, content: () => fileBytes(path, start, member.size) };
      at = start + member.size + padding(member.size);
    }
  } finally {
    await file.close();
  }
}
