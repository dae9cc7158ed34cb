import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';
import {
  type ByteString,
  type TarDialect,
  type TarEntry,
  toByteString,
  toText,
} from './tar-header.ts';

/**
 * The entries of a layer made of store paths: the store's parent folders, then each path's tree,
 * depth first and sorted bytewise. Files are looked at when they are asked for, so memory does not
 * grow with the tree. Throws a {@link Failure} that names the file that cannot be read or archived.
 */
export function* storeEntries(
  storePaths: readonly (string | StorePlace)[],
  dialect: TarDialect,
  storeDir = '/nix/store',
): Generator<TarEntry> {
  for (const path of storeParents(storeDir)) {
    yield { type: 'directory', path, mode: 0o755, size: 0 };
  }
  for (const each of storePaths) {
    const { path, place } = typeof each === 'string' ? { path: each, place: each } : each;
    yield* tree(toByteString(path), toByteString(place), dialect);
  }
}

/** A store path, and where its files are: not at the path itself in a chroot store. */
export interface StorePlace {
  path: string;
  place: string;
}

/** "/nix/store" gives "nix" and "nix/store". */
function storeParents(storeDir: string): ByteString[] {
  const parts = toByteString(storeDir).split('/').filter(Boolean);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The system allows paths of 4096 bytes, so that no tree is too deep for this. */
function* tree(path: ByteString, file: ByteString, dialect: TarDialect): Generator<TarEntry> {
  const entry = { ...fileEntry(file, dialect), path: path.slice(1) };
  yield entry;
  if (entry.type !== 'directory') return;
  for (const name of sortedNames(file)) {
    yield* tree(`${path}/${name}`, `${file}/${name}`, dialect);
  }
}

/** The entry of one file as the file system has it; its path in the tar is its path here. */
export function fileEntry(file: ByteString, dialect: TarDialect): TarEntry {
  const stats = statFile(file);
  const path = file.slice(1);
  const permissions = stats.mode & 0o7777;
  if (stats.isDirectory()) {
    const mode = dialect.canonicalModes ? 0o555 : permissions;
    return { type: 'directory', path, mode, size: 0 };
  }
  if (stats.isSymbolicLink()) {
    return { type: 'symlink', path, mode: 0o777, size: 0, target: linkTarget(file) };
  }
  if (!stats.isFile()) {
    throw new Failure(
      `${visible(toText(file))} is a socket, device or pipe: no image can hold it.`,
      {
        next: 'Change the derivation so that its output holds files, folders and links only.',
      },
    );
  }
  const canonical = permissions & 0o111 ? 0o555 : 0o444;
  const source = { path: file, mtimeMs: stats.mtimeMs };
  const mode = dialect.canonicalModes ? canonical : permissions;
  return { type: 'file', path, mode, size: stats.size, source };
}

const systemPath = (file: ByteString) => Buffer.from(file, 'latin1');

function statFile(file: ByteString): Stats {
  try {
    return lstatSync(systemPath(file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

function linkTarget(file: ByteString): ByteString {
  try {
    return readlinkSync(systemPath(file), 'latin1');
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The names in a folder, sorted bytewise. */
export function sortedNames(folder: ByteString): ByteString[] {
  try {
    return readdirSync(systemPath(folder), 'latin1').sort();
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** The error for a file of the store that vanished or that this user may not read. */
export function unreadable(file: ByteString, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException;
  const name = visible(toText(file));
  if (code === 'ENOENT') {
    return new Failure(`${name} vanished while its layer was read.`, {
      next: 'Realise it again (nix-store --realise), and keep the garbage collector away.',
      cause: error,
    });
  }
  return new Failure(`${name} cannot be read: ${visible(message)}`, {
    next: 'Check the permissions of the store and the health of its disk (nix-store --verify).',
    cause: error,
  });
}
