import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '../host/failure.ts';
import type { ByteSource } from './frames.ts';
import { unreadable } from './store-tree.ts';
import { padding, type TarDialect, type TarEntry, tarHeader, toText } from './tar-header.ts';

/** Two zero blocks end a tar. */
const endSize = 1024;

/**
 * A tar of the entries as a source of bytes. Files are read with blocking calls straight into the
 * caller's buffer: ten times as fast as streams (bench/compress.ts), and the buffer's size bounds
 * how long a call can take. Throws a {@link Failure} that names a file that is unreadable or
 * changes while it is read.
 */
export function tarBytes(entries: Iterable<TarEntry>, dialect: TarDialect): ByteSource {
  const iterator = entries[Symbol.iterator]();
  let pending: Buffer = Buffer.alloc(0);
  let file: OpenFile | undefined;
  let total = 0;
  let ended = false;

  /** Makes the next header, or the end of the tar, pending; false when there is nothing more. */
  const advance = (): boolean => {
    if (ended) return false;
    const next = iterator.next();
    if (next.done) {
      ended = true;
      pending = Buffer.alloc(endSize + recordPadding(total + endSize, dialect));
    } else {
      pending = tarHeader(next.value, dialect);
      file = openContent(next.value);
    }
    return true;
  };

  const fill = (frame: Buffer): number => {
    let at = 0;
    while (at < frame.length) {
      const count = Math.min(pending.length, frame.length - at);
      if (count > 0) {
        pending.copy(frame, at, 0, count);
        pending = pending.subarray(count);
      } else if (file) {
        const read = readContent(file, frame, at);
        at += read;
        total += read;
        if (file.remaining > 0) continue;
        pending = Buffer.alloc(padding(file.entry.size));
        finishContent(file);
        file = undefined;
        continue;
      } else if (!advance()) return at;
      at += count;
      total += count;
    }
    return at;
  };

  const close = () => {
    if (file) closeSync(file.descriptor);
    file = undefined;
    iterator.return?.();
  };
  return { fill, close };
}

/** The exact size in bytes of the tar of these entries; nothing but their headers is looked at. */
export function tarSize(entries: Iterable<TarEntry>, dialect: TarDialect): number {
  let size = endSize;
  for (const entry of entries) {
    size += tarHeader(entry, dialect).length + entry.size + padding(entry.size);
  }
  return size + recordPadding(size, dialect);
}

const recordPadding = (size: number, { recordSize }: TarDialect) =>
  (recordSize - (size % recordSize)) % recordSize;

interface OpenFile {
  entry: TarEntry;
  source: NonNullable<TarEntry['source']>;
  descriptor: number;
  remaining: number;
}

function openContent(entry: TarEntry): OpenFile | undefined {
  const { source } = entry;
  if (!source || entry.size === 0) return undefined;
  try {
    const descriptor = openSync(Buffer.from(source.path, 'latin1'), 'r');
    return { entry, source, descriptor, remaining: entry.size };
  } catch (error) {
    throw unreadable(source.path, error);
  }
}

/** Reads as much as fits; the file stays open, also on an error, until the tar is closed. */
function readContent(file: OpenFile, frame: Buffer, at: number): number {
  const wanted = Math.min(file.remaining, frame.length - at);
  let read: number;
  try {
    read = readSync(file.descriptor, frame, at, wanted, null);
  } catch (error) {
    throw unreadable(file.source.path, error);
  }
  if (read === 0) throw changed(file);
  file.remaining -= read;
  return read;
}

/** The file must still be as it was when its header was made. */
function finishContent(file: OpenFile) {
  const now = fstatSync(file.descriptor);
  if (now.size !== file.entry.size || now.mtimeMs !== file.source.mtimeMs) throw changed(file);
  closeSync(file.descriptor);
}

const changed = (file: OpenFile) =>
  new Failure(`${toText(file.source.path)} changed while it was read.`, {
    tried: 'Its size or time differs from what they were when its layer was begun.',
    next: 'Let nothing write to the store while an image is made, and run it again.',
  });
