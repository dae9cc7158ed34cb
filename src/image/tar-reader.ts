import { Failure } from '../host/failure.ts';
import { type ByteReader, byteReader } from './byte-reader.ts';
import { type ByteString, blockSize, headerSum, padding } from './tar-header.ts';

export type TarMemberType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** One member of a tar as it was found. Names are byte strings. */
export interface TarMember {
  type: TarMemberType;
  /** As written, but without a trailing slash. */
  path: ByteString;
  /** Of links. */
  target: ByteString;
  mode: number;
  uid: number;
  gid: number;
  uname: ByteString;
  gname: ByteString;
  /** Seconds. */
  mtime: number;
  size: number;
}

/** A member and its content, which can be read once, before the next member is asked for. */
export interface StreamedMember extends TarMember {
  /** Where its content begins, in bytes from the tar's start. */
  start: number;
  content(): AsyncGenerator<Buffer>;
}

/** Extended headers larger than this are no names but an attack or damage. */
const largestExtension = 1 << 20;

/**
 * The members of a tar, one after the other: ustar, pax and GNU long names. Content that is not
 * read is passed over. Throws a {@link Failure} where the tar is damaged or ends too early.
 *
 * @param name what the tar is, for errors
 */
export async function* readTar(
  chunks: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<StreamedMember> {
  const reader = byteReader(chunks, name);
  try {
    for (;;) {
      const member = await nextMember(reader, name);
      if (!member) return;
      let left = member.size;
      yield {
        ...member,
        start: reader.position(),
        async *content() {
          while (left > 0) {
            const chunk = await reader.some(left);
            left -= chunk.length;
            yield chunk;
          }
        },
      };
      await reader.skip(left + padding(member.size));
    }
  } finally {
    await reader.close();
  }
}

/** Reads headers up to the next member's content; undefined at the tar's end. */
export async function nextMember(
  reader: Pick<ByteReader, 'exactly'>,
  name: string,
): Promise<TarMember | undefined> {
  let extensions: Extensions = {};
  for (;;) {
    const block = await reader.exactly(blockSize);
    if (block.every(byte => byte === 0)) return undefined;
    const header = parseHeader(block, name);
    const extension = extensionKinds[header.flag];
    if (!extension) return member(header, extensions);
    if (header.size > largestExtension) throw damaged(name, 'an extended header is too large');
    const body = await reader.exactly(header.size + padding(header.size));
    const text = body.toString('latin1', 0, header.size);
    // a global header (git's, for one) says nothing that is needed here
    if (extension !== 'global') extensions = { ...extensions, ...extension(text, name) };
  }
}

type Extensions = Readonly<Record<string, ByteString>>;

const untilNul = (text: string) => text.split('\0', 1)[0] ?? '';

const extensionKinds: Record<
  string,
  'global' | ((text: ByteString, name: string) => Extensions) | undefined
> = {
  x: parsePax,
  g: 'global',
  L: text => ({ path: untilNul(text) }),
  K: text => ({ linkpath: untilNul(text) }),
};

interface Header {
  flag: string;
  path: ByteString;
  linkname: ByteString;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  uname: ByteString;
  gname: ByteString;
}

function parseHeader(block: Buffer, name: string): Header {
  const sum = Buffer.from(block);
  sum.fill(' ', 148, 156);
  if (numberAt(block, 148, 8) !== headerSum(sum)) {
    throw damaged(name, 'a header does not have the checksum that it states');
  }
  const size = numberAt(block, 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged(name, 'a size is no number');
  // GNU's own format keeps other things where ustar has the prefix
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textAt(block, 345, 155) : '';
  const short = textAt(block, 0, 100);
  return {
    flag: block.toString('latin1', 156, 157),
    path: prefix === '' ? short : `${prefix}/${short}`,
    linkname: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size,
    mtime: numberAt(block, 136, 12),
    uname: textAt(block, 265, 32),
    gname: textAt(block, 297, 32),
  };
}

const memberTypes: Record<string, TarMemberType | undefined> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

function member(header: Header, extensions: Extensions): TarMember {
  const number = (key: string, value: number) =>
    extensions[key] === undefined ? value : Number(extensions[key]);
  const path = extensions.path ?? header.path;
  const isFolder = path.endsWith('/') && memberTypes[header.flag] === 'file';
  const type = isFolder ? 'directory' : (memberTypes[header.flag] ?? 'other');
  const hasContent = type === 'file' || type === 'other';
  return {
    type,
    path: path.replace(/\/+$/, ''),
    target: extensions.linkpath ?? header.linkname,
    mode: header.mode,
    uid: number('uid', header.uid),
    gid: number('gid', header.gid),
    uname: extensions.uname ?? header.uname,
    gname: extensions.gname ?? header.gname,
    mtime: number('mtime', header.mtime),
    size: hasContent ? number('size', header.size) : 0,
  };
}

/** Records "<length> <key>=<value>\n". */
function parsePax(text: ByteString, name: string): Extensions {
  const values: Record<string, ByteString> = {};
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(' ', at);
    const length = Number(text.slice(at, space));
    const record = text.slice(space + 1, at + length);
    const equals = record.indexOf('=');
    if (space < 0 || !(length > 0) || equals < 0 || !record.endsWith('\n')) {
      throw damaged(name, 'an extended header is malformed');
    }
    values[record.slice(0, equals)] = record.slice(equals + 1, -1);
    at += length;
  }
  return values;
}

const textAt = (block: Buffer, offset: number, length: number) =>
  untilNul(block.toString('latin1', offset, offset + length));

/** Octal text, or GNU's base 256 where the first bit is set. */
function numberAt(block: Buffer, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  if ((field[0] ?? 0) & 0x80) {
    return field.subarray(1).reduce((value, byte) => value * 256 + byte, (field[0] ?? 0) & 0x3f);
  }
  const digits = untilNul(field.toString('latin1')).trim();
  return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** The error for a tar that is not as it should be. */
export const damaged = (name: string, how: string) =>
  new Failure(`${name} is damaged: ${how}.`, {
    next: 'Make it again, or check the disk or the program that it comes from.',
  });
