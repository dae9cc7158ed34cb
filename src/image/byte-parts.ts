import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';
import type { ByteSource } from './frames.ts';
import { unreadable } from './store-tree.ts';
import { type ByteString, toText } from './tar-header.ts';

/** The content of a file, as long and as old as it was when it was listed. */
interface FilePart {
  path: ByteString;
  /** Bytes. */
  size: number;
  mtimeMs: number;
}

/** What an archive is put together from. */
export type BytePart = Buffer | FilePart;

/**
 * Parts, one after the other, as a source of bytes. Files are read with blocking calls straight into
 * the caller's buffer: ten times as fast as streams (bench/compress.ts), and the buffer's size bounds
 * how long a call can take. Throws a {@link Failure} that names a file that is unreadable or
 * changes while it is read.
 */
export function bytesOfParts(parts: Iterable<BytePart>): ByteSource {
  const iterator = parts[Symbol.iterator]();
  let pending: Buffer = Buffer.alloc(0);
  let file: OpenFile | undefined;

  /** Begins the next part; false when there is none. */
  const advance = (): boolean => {
    const next = iterator.next();
    if (next.done) return false;
    if (Buffer.isBuffer(next.value)) pending = next.value;
    else file = openFile(next.value);
    return true;
  };

  const fill = (frame: Buffer): number => {
    let at = 0;
    while (at < frame.length) {
      if (pending.length > 0) {
        const count = pending.copy(frame, at);
        pending = pending.subarray(count);
        at += count;
      } else if (file) {
        at += readContent(file, frame, at);
        if (file.remaining > 0) continue;
        finish(file);
        file = undefined;
      } else if (!advance()) break;
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

interface OpenFile extends FilePart {
  descriptor: number;
  remaining: number;
}

/** What was a file when it was listed may be a link or a pipe by now: neither is followed or awaited. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openFile(part: FilePart): OpenFile | undefined {
  if (part.size === 0) return undefined;
  try {
    const descriptor = openSync(Buffer.from(part.path, 'latin1'), flags);
    return { ...part, descriptor, remaining: part.size };
  } catch (error) {
    throw unreadable(part.path, error);
  }
}

/** Reads as much as fits; the file stays open, also on an error, until the source is closed. */
function readContent(file: OpenFile, frame: Buffer, at: number): number {
  const wanted = Math.min(file.remaining, frame.length - at);
  let read: number;
  try {
    read = readSync(file.descriptor, frame, at, wanted, null);
  } catch (error) {
    throw unreadable(file.path, error);
  }
  if (read === 0) throw changed(file);
  file.remaining -= read;
  return read;
}

/** The file must still be as it was when it was listed. */
function finish(file: OpenFile) {
  const now = fstatSync(file.descriptor);
  if (now.size !== file.size || now.mtimeMs !== file.mtimeMs) throw changed(file);
  closeSync(file.descriptor);
}

const changed = (file: OpenFile) =>
  new Failure(`${visible(toText(file.path))} changed while it was read.`, {
    tried: 'Its size or time differs from what they were when it was listed.',
    next: 'Let nothing write to the store meanwhile, and run it again.',
  });
