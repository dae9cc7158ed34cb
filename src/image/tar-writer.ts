import { type BytePart, bytesOfParts } from './byte-parts.ts';
import type { ByteSource } from './frames.ts';
import { padding, type TarDialect, type TarEntry, tarHeader } from './tar-header.ts';

/** Two zero blocks end a tar. */
const endSize = 1024;

/**
 * A tar of the entries as a source of bytes. Throws a {@link Failure} that names a file that is
 * unreadable or changes while it is read.
 */
export const tarBytes = (entries: Iterable<TarEntry>, dialect: TarDialect): ByteSource =>
  bytesOfParts(tarParts(entries, dialect));

/** The exact size in bytes of the tar of these entries; nothing but their headers is looked at. */
export function tarSize(entries: Iterable<TarEntry>, dialect: TarDialect): number {
  let size = 0;
  for (const part of tarParts(entries, dialect))
    size += Buffer.isBuffer(part) ? part.length : part.size;
  return size;
}

function* tarParts(entries: Iterable<TarEntry>, dialect: TarDialect): Generator<BytePart> {
  let total = endSize;
  for (const entry of entries) {
    const header = tarHeader(entry, dialect);
    const rest = padding(entry.size);
    yield header;
    if (entry.source) yield { ...entry.source, size: entry.size };
    if (rest > 0) yield Buffer.alloc(rest);
    total += header.length + entry.size + rest;
  }
  yield Buffer.alloc(endSize + recordPadding(total, dialect));
}

const recordPadding = (size: number, { recordSize }: TarDialect) =>
  (recordSize - (size % recordSize)) % recordSize;
