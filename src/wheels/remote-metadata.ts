import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { Answer } from '../host/http/message.ts';
import { header } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import type { Web } from './web.ts';

/** Bytes at a wheel's end that are asked for first: most have their directory and METADATA there. */
const usualTail = 32 << 10;

/** A part of a file, and where it begins. */
interface Part {
  start: number;
  bytes: Buffer;
}

/**
 * The METADATA of a wheel, read from the wheel itself in a few ranges, for indexes that do not have it
 * beside. Undefined where the server gives no ranges, or the archive is none. Rejects with
 * {@link Unreachable} where the server does not answer.
 */
export async function readMetadataInside(url: string, web: Web): Promise<string | undefined> {
  const tail = partOf(await web.readPart(url, `bytes=-${usualTail}`));
  if (tail === undefined) return undefined;
  const directory = directoryIn(tail);
  if (directory === undefined || directory.size > limits.answer) return undefined;
  const part = (start: number, size: number) => partFrom(tail, start, size, url, web);
  const entries = await part(directory.start, directory.size);
  const entry = entries && metadataEntry(entries);
  if (entry === undefined || entry.size > limits.document) return undefined;
  // a local header has its own extra field, of another length than the directory's
  const local = await part(entry.start, headerSize + entry.nameLength + entry.size + roomForExtra);
  return local && contentIn(local, entry);
}

const headerSize = 30;
const roomForExtra = 512;

function partOf(answer: Answer): Part | undefined {
  const { status, body } = answer;
  const [, start] = /^bytes (\d+)-/.exec(String(header(answer, 'content-range') ?? '')) ?? [];
  if (status === 206 && start !== undefined) return { start: Number(start), bytes: body };
  return status === 200 ? { start: 0, bytes: body } : undefined;
}

/** Bytes of the file, from its end where they are there. */
async function partFrom(
  { start: begin, bytes }: Part,
  start: number,
  size: number,
  url: string,
  web: Web,
): Promise<Buffer | undefined> {
  if (start >= begin) return bytes.subarray(start - begin, start - begin + size);
  const found = partOf(await web.readPart(url, `bytes=${start}-${start + size - 1}`));
  return found && found.start <= start ? found.bytes.subarray(start - found.start) : undefined;
}

/** Signatures of a zip archive (APPNOTE.TXT, 4.3): its end, an entry of its directory. */
const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;

/** Where the directory is, by the archive's end. */
function directoryIn({ bytes }: Part): { start: number; size: number } | undefined {
  for (let at = bytes.length - 22; at >= 0; at -= 1) {
    if (bytes.readUInt32LE(at) !== endSignature) continue;
    return { size: bytes.readUInt32LE(at + 12), start: bytes.readUInt32LE(at + 16) };
  }
  return undefined;
}

interface Entry {
  method: number;
  /** Bytes, packed. */
  size: number;
  nameLength: number;
  start: number;
}

function metadataEntry(directory: Buffer): Entry | undefined {
  for (let at = 0; at + 46 <= directory.length; ) {
    if (directory.readUInt32LE(at) !== entrySignature) return undefined;
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('latin1', at + 46, at + 46 + nameLength);
    if (/^[^/]+\.dist-info\/METADATA$/.test(name)) {
      const [method, size] = [directory.readUInt16LE(at + 10), directory.readUInt32LE(at + 20)];
      return { method, size, nameLength, start: directory.readUInt32LE(at + 42) };
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return undefined;
}

async function contentIn(local: Buffer, { method, size }: Entry): Promise<string | undefined> {
  if (local.length < headerSize) return undefined;
  const start = headerSize + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = local.subarray(start, start + size);
  if (packed.length < size) return undefined;
  if (method === 0) return packed.toString();
  const limit = { maxOutputLength: limits.document };
  return promisify(inflateRaw)(packed, limit).then(String, () => undefined);
}
