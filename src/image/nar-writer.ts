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
  yield strings('nix-archive-1');
  yield* node(path);
}

function* node(path: ByteString): Generator<BytePart> {
  const entry = fileEntry(path, nixDialect);
  if (entry.type === 'directory') {
    yield strings('(', 'type', 'directory');
    for (const name of sortedNames(path)) {
      yield strings('entry', '(', 'name', name, 'node');
      yield* node(`${path}/${name}`);
      yield strings(')');
    }
    yield strings(')');
  } else if (entry.type === 'symlink') {
    yield strings('(', 'type', 'symlink', 'target', entry.target ?? '', ')');
  } else {
    const executable = entry.mode & 0o100 ? ['executable', ''] : [];
    const start = strings('(', 'type', 'regular', ...executable, 'contents');
    yield Buffer.concat([start, integer(entry.size)]);
    if (entry.source) yield { ...entry.source, size: entry.size };
    yield Buffer.concat([Buffer.alloc(padding(entry.size)), strings(')')]);
  }
}

/** Each with its length before it and zeros up to a multiple of eight bytes after it. */
const strings = (...values: readonly ByteString[]): Buffer =>
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
