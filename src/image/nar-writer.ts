import { type BytePart, bytesOfParts } from './byte-parts.ts';
import type { ByteSource } from './frames.ts';
import { fileEntry, sortedNames } from './store-tree.ts';
import { type ByteString, nixDialect, toByteString } from './tar-header.ts';

/**
 * The NAR of a store path as a source of bytes, the same as `nix-store --dump` writes (Nix manual,
 * "Nix Archive format"). Throws a {@link Failure} that names a file that cannot be read or archived.
 */
export const narBytes = (path: string): ByteSource => bytesOfParts(narParts(toByteString(path)));

function* narParts(path: ByteString): Generator<BytePart> {
  yield narStrings('nix-archive-1');
  yield* node(path);
}

function* node(path: ByteString): Generator<BytePart> {
  const entry = fileEntry(path, nixDialect);
  if (entry.type === 'directory') {
    yield narStrings('(', 'type', 'directory');
    for (const name of sortedNames(path)) {
      yield narStrings('entry', '(', 'name', name, 'node');
      yield* node(`${path}/${name}`);
      yield narStrings(')');
    }
    yield narStrings(')');
  } else if (entry.type === 'symlink') {
    yield narStrings('(', 'type', 'symlink', 'target', entry.target ?? '', ')');
  } else {
    yield narFileStart(entry.size, (entry.mode & 0o100) !== 0);
    if (entry.source) yield { ...entry.source, size: entry.size };
    yield narFileEnd(entry.size);
  }
}

/** What stands before the content of a file of so many bytes. */
export const narFileStart = (size: number, isExecutable: boolean): Buffer =>
  Buffer.concat([
    narStrings('(', 'type', 'regular', ...(isExecutable ? ['executable', ''] : []), 'contents'),
    integer(size),
  ]);

/** What stands after it. */
export const narFileEnd = (size: number): Buffer =>
  Buffer.concat([Buffer.alloc(padding(size)), narStrings(')')]);

/** Each with its length before it and zeros up to a multiple of eight bytes after it. */
export const narStrings = (...values: readonly ByteString[]): Buffer =>
  Buffer.concat(
    values.flatMap(value => [
      integer(value.length),
      Buffer.from(value, 'latin1'),
      Buffer.alloc(padding(value.length)),
    ]),
  );

/** 64 bits, the lowest first. */
function integer(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const padding = (size: number) => -size & 7;
