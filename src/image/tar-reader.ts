import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { visible } from '../host/visible.ts';
import { type ByteReader, byteReader } from './byte-reader.ts';
import { type ByteString, blockSize, headerSum, padding } from './tar-header.ts';

type TarMemberType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

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
  /** Seconds; may have a fraction. */
  mtime: number;
  /** Bytes, a whole number up to `limits.file`. */
  size: number;
}

/** A member and its content, which can be read once, before the next member is asked for. */
export interface StreamedMember extends TarMember {
  /** Where its content begins, in bytes from the tar's start. */
  start: number;
  content(): AsyncGenerator<Buffer>;
}

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
  let extensions: Extensions = new Map();
  for (let count = 0; count <= limits.tarExtensions; count += 1) {
    const block = await reader.exactly(blockSize);
    if (block.every(byte => byte === 0)) return undefined;
    const header = parseHeader(block, name);
    const extension = extensionKinds.get(header.flag);
    if (!extension) return member(header, extensions, name);
    if (header.size > limits.tarExtension) throw damaged(name, 'an extended header is too large');
    const body = await reader.exactly(header.size + padding(header.size));
    const more = extension(body.subarray(0, header.size), name);
    extensions = new Map([...extensions, ...more]);
  }
  throw damaged(name, 'a member has too many extended headers');
}

/** What an extended header says instead of the header that follows it: those below, by pax's names. */
type Extensions = ReadonlyMap<string, ByteString>;

const knownExtensions = ['path', 'linkpath', 'size', 'uid', 'gid', 'uname', 'gname', 'mtime'];

/** Bytes up to the first NUL. Their text is a copy, which keeps nothing of a large header alive. */
function untilNul(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

const extensionKinds = new Map<string, (body: Buffer, name: string) => Extensions>([
  ['x', parsePax],
  // a global header (git's, for one) says nothing that is needed here
  ['g', () => new Map()],
  ['L', body => new Map([['path', untilNul(body)]])],
  ['K', body => new Map([['linkpath', untilNul(body)]])],
]);

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
    size: numberAt(block, 124, 12),
    mtime: numberAt(block, 136, 12),
    uname: textAt(block, 265, 32),
    gname: textAt(block, 297, 32),
  };
}

const memberTypes = new Map<string, TarMemberType>([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['5', 'directory'],
]);

function member(header: Header, extensions: Extensions, name: string): TarMember {
  const number = (key: 'mode' | 'uid' | 'gid' | 'mtime' | 'size') => {
    const text = extensions.get(key);
    const value = text === undefined ? header[key] : decimal(text);
    const right = key === 'mtime' ? Number.isFinite(value) : isCount(value);
    if (right) return value;
    throw damaged(name, `the ${key} of a member is no number that can be`);
  };
  const path = extensions.get('path') ?? header.path;
  const flagged = memberTypes.get(header.flag) ?? 'other';
  const type = flagged === 'file' && path.endsWith('/') ? 'directory' : flagged;
  const hasContent = type === 'file' || type === 'other';
  const size = number('size');
  return {
    type,
    path: withoutSlashes(path),
    target: extensions.get('linkpath') ?? header.linkname,
    mode: number('mode'),
    uid: number('uid'),
    gid: number('gid'),
    uname: extensions.get('uname') ?? header.uname,
    gname: extensions.get('gname') ?? header.gname,
    mtime: number('mtime'),
    size: hasContent ? size : 0,
  };
}

const isCount = (value: number) => Number.isInteger(value) && value >= 0 && value <= limits.file;

/** A number as pax writes it; NaN where it is none. */
const decimal = (text: ByteString) =>
  /^-?\d{1,20}(\.\d{0,20})?$/.test(text) ? Number(text) : Number.NaN;

function withoutSlashes(path: ByteString): ByteString {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

const newline = 0x0a;

/** Records "<length> <key>=<value>\n". */
function parsePax(body: Buffer, name: string): Extensions {
  const values = new Map<string, ByteString>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(' ', at);
    const length = decimal(body.toString('latin1', at, Math.min(space, at + 20)));
    const end = at + length;
    const equals = body.indexOf('=', space);
    const holds = equals > space && equals < end && end <= body.length;
    if (!holds || !Number.isInteger(length) || body[end - 1] !== newline) {
      throw damaged(name, 'an extended header is malformed');
    }
    const key = body.toString('latin1', space + 1, Math.min(equals, space + 20));
    if (knownExtensions.includes(key)) {
      values.set(key, body.toString('latin1', equals + 1, end - 1));
    }
    at = end;
  }
  return values;
}

const textAt = (block: Buffer, offset: number, length: number) =>
  untilNul(block.subarray(offset, offset + length));

/** Octal text, or GNU's base 256 (two's complement) where the first bit is set; NaN for others. */
function numberAt(block: Buffer, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if (first & 0x80) {
    const start = (first & 0x3f) - (first & 0x40);
    return field.subarray(1).reduce((value, byte) => value * 256 + byte, start);
  }
  const digits = untilNul(field).trim();
  return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** The error for a tar that is not as it should be. */
export const damaged = (name: string, how: string) =>
  new Failure(`${visible(name)} is damaged: ${how}.`, {
    next: 'Make it again, or check the disk or the program that it comes from.',
  });
