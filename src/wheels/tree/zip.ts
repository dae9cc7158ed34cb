import { type FileHandle, open } from 'node:fs/promises';
import type { Entry, ZipFile } from 'yauzl';
import { limits } from '../../host/limits.ts';
import { refused } from './refused.ts';

/** An entry of a zip archive, as the central directory has it; nothing of it is checked. */
export interface ZipEntry {
  name: Buffer;
  /** "General purpose bit flag". */
  flags: number;
  /** 0: stored, 8: deflated. */
  method: number;
  crc32: number;
  /** Bytes in the archive, and what they become. */
  packedSize: number;
  size: number;
  /** "External file attributes"; the upper half is Unix's mode, or 0. */
  attributes: number;
  /** Where its local header is. */
  offset: number;
}

/** An archive that is open. */
export interface Zip {
  /** For errors. */
  name: string;
  entries: readonly ZipEntry[];
  file: FileHandle;
  /** Where the bytes of an entry begin, and the name that stands before them. */
  locate(entry: ZipEntry): Promise<{ name: Buffer; start: number }>;
}

/** Names stay bytes, and sizes are compared where the bytes are read. */
const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false };

/**
 * Reads the central directory of an archive (PKWARE's APPNOTE), and closes the file after its use.
 * @throws Failure where it is no archive that can be read
 */
export async function withZip<Result>(
  file: string,
  name: string,
  use: (zip: Zip) => Promise<Result>,
): Promise<Result> {
  const { fromFdPromise } = await import('yauzl');
  const handle = await open(file);
  const guarded = async <Value>(reading: Promise<Value>): Promise<Value> =>
    reading.catch(error => {
      throw isOfSystem(error)
        ? error
        : refused(name, `it is no zip that can be read (${error.message})`, error);
    });
  try {
    const archive = await guarded(fromFdPromise(handle.fd, options));
    const entries = await guarded(readEntries(archive, name));
    const locate = async (entry: ZipEntry) => {
      const at = { relativeOffsetOfLocalHeader: entry.offset, compressedSize: entry.packedSize };
      const header = await guarded(archive.readLocalFileHeaderPromise(at as Entry));
      return { name: header.fileName, start: header.fileDataStart };
    };
    return await use({ name, entries, file: handle, locate });
  } finally {
    await handle.close();
  }
}

/** An error of the file system says nothing about the archive. */
const isOfSystem = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

async function readEntries(archive: ZipFile, name: string): Promise<ZipEntry[]> {
  if (archive.entryCount > limits.wheelEntries) {
    throw refused(name, `it has more than ${limits.wheelEntries} entries`);
  }
  const entries: ZipEntry[] = [];
  for await (const entry of archive.eachEntry()) {
    entries.push({
      name: entry.fileNameRaw,
      flags: entry.generalPurposeBitFlag,
      method: entry.compressionMethod,
      crc32: entry.crc32,
      packedSize: entry.compressedSize,
      size: entry.uncompressedSize,
      attributes: entry.externalFileAttributes,
      offset: entry.relativeOffsetOfLocalHeader,
    });
  }
  return entries;
}
