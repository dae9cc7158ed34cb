/**
 * The tar format: ustar headers (POSIX.1-1988) with pax extended headers (POSIX.1-2001) where a
 * value does not fit. Names are byte strings, see {@link ByteString}.
 */

/**
 * Bytes as text, one character (U+0000–U+00FF) a byte, as Node's "latin1" encoding gives them. File
 * names are bytes and not always UTF-8; in this form they stay exact, and `<` orders them bytewise.
 */
export type ByteString = string;

/** UTF-8 text as a {@link ByteString}. */
export const toByteString = (text: string): ByteString => Buffer.from(text).toString('latin1');

/** A {@link ByteString} as text for people: what is not UTF-8 is replaced. */
export const toText = (bytes: ByteString): string => Buffer.from(bytes, 'latin1').toString();

/** One file, folder or symbolic link of a tar. */
export interface TarEntry {
  type: 'file' | 'directory' | 'symlink';
  /** Without a leading or a trailing slash. */
  path: ByteString;
  /** Permission bits, 0 to 0o7777. */
  mode: number;
  /** Of the content in bytes; 0 for folders and links. */
  size: number;
  /** Where a symbolic link points. */
  target?: ByteString;
  /** Owner and time (seconds) where they are not the dialect's. */
  uid?: number;
  gid?: number;
  mtime?: number;
  uname?: string;
  gname?: string;
  /** The file that holds the content, and its time when its size was taken. */
  source?: { path: ByteString; mtimeMs: number };
}

/** How a tar is written; all that distinguishes our own from Python's. */
export interface TarDialect {
  /** Put before each entry's path. */
  rootPrefix: '' | '/';
  uid: number;
  gid: number;
  uname: string;
  gname: string;
  /** Seconds since the epoch. */
  mtime: number;
  /** Folders 0555, files 0444 or 0555, links 0777, whatever the file system says. */
  canonicalModes: boolean;
  /** ASCII names of up to 255 bytes go into ustar's two name fields instead of a pax header. */
  splitNames: boolean;
  /** Whose habits headers follow where the format leaves a choice: see {@link habits}. */
  habits: 'python' | 'go';
  /** The whole is padded with zeros to a multiple of it. */
  recordSize: number;
}

/** This program's own layers. */
export const nixDialect: TarDialect = {
  rootPrefix: '',
  uid: 0,
  gid: 0,
  uname: '',
  gname: '',
  mtime: 1,
  canonicalModes: true,
  splitNames: true,
  habits: 'python',
  recordSize: 512,
};

/** Python's `tarfile` (PAX_FORMAT) as nixpkgs' `streamLayeredImage` uses it. */
export const pythonDialect: TarDialect = {
  ...nixDialect,
  rootPrefix: '/',
  uname: 'root',
  gname: 'root',
  canonicalModes: false,
  splitNames: false,
  recordSize: 10240,
};

/**
 * Go's `archive/tar` as nix2container uses it; its folders bring their slash, if any, in their
 * path.
 */
export const goDialect: TarDialect = {
  ...nixDialect,
  uname: 'root',
  gname: 'root',
  canonicalModes: false,
  habits: 'go',
};

interface Habits {
  folderSuffix: '' | '/';
  /** Device numbers of what is no device. */
  device: string;
  paxName(path: ByteString): ByteString;
  paxOrder(a: readonly [string, ByteString], b: readonly [string, ByteString]): number;
  /** What becomes of a character that is not ASCII where its pax header tells it. */
  replacement: '' | '?';
}

const habits: Record<TarDialect['habits'], Habits> = {
  python: {
    folderSuffix: '/',
    device: '',
    paxName: () => '././@PaxHeader',
    paxOrder: () => 0,
    replacement: '?',
  },
  go: {
    folderSuffix: '',
    device: '0000000',
    paxName: path => asAscii(path.replace(/([^/]*)$/, 'PaxHeaders.0/$1'), '').slice(0, nameLength),
    paxOrder: ([a], [b]) => (a < b ? -1 : 1),
    replacement: '',
  },
};

export const blockSize = 512;
const nameLength = 100;
const prefixLength = 155;
const typeFlags = { file: '0', directory: '5', symlink: '2' } as const;

/** Bytes up to the next block border after `size` bytes. */
export const padding = (size: number) => (blockSize - (size % blockSize)) % blockSize;

/** The header blocks of an entry, pax headers included. */
export function tarHeader(entry: TarEntry, dialect: TarDialect): Buffer {
  const style = habits[dialect.habits];
  const suffix = entry.type === 'directory' ? style.folderSuffix : '';
  const path = dialect.rootPrefix + entry.path + suffix;
  const pax: PaxRecords = [];
  const text = (key: string, value: ByteString, length: number) =>
    textField(key, value, length, pax, style.replacement);
  const linkname = text('linkpath', entry.target ?? '', nameLength);
  const split = dialect.splitNames && pax.length === 0 ? splitName(path) : undefined;
  const [prefix, name] = split ?? ['', text('path', path, nameLength)];
  if (!split) pax.reverse();
  const header = headerBlock({
    prefix,
    name,
    linkname,
    uname: text('uname', toByteString(entry.uname ?? dialect.uname), 32),
    gname: text('gname', toByteString(entry.gname ?? dialect.gname), 32),
    mode: entry.mode,
    uid: numberField('uid', entry.uid ?? dialect.uid, 8, pax),
    gid: numberField('gid', entry.gid ?? dialect.gid, 8, pax),
    size: numberField('size', entry.size, 12, pax),
    mtime: numberField('mtime', entry.mtime ?? dialect.mtime, 12, pax),
    flag: typeFlags[entry.type],
    device: style.device,
  });
  if (pax.length === 0) return header;
  return Buffer.concat([paxHeader(pax.sort(style.paxOrder), style.paxName(path)), header]);
}

/** Splits a long ASCII path at a slash into ustar's prefix and name; undefined if it cannot be. */
function splitName(path: ByteString): [string, string] | undefined {
  if (path.length <= nameLength || path.length > prefixLength + 1 + nameLength) return undefined;
  if (!isAscii(path)) return undefined;
  const slash = path.lastIndexOf('/', Math.min(prefixLength, path.length - 2));
  if (slash <= 0 || path.length - slash - 1 > nameLength) return undefined;
  return [path.slice(0, slash), path.slice(slash + 1)];
}

type PaxRecords = [string, ByteString][];

/** What fits the header's field; a value that does not fit goes to `pax` as well. */
function textField(
  key: string,
  value: ByteString,
  length: number,
  pax: PaxRecords,
  replacement: string,
): ByteString {
  const ascii = isAscii(value);
  if (!ascii || value.length > length) pax.push([key, value]);
  return (ascii ? value : asAscii(value, replacement)).slice(0, length);
}

function numberField(key: string, value: number, width: number, pax: PaxRecords) {
  if (value >= 0 && value < 8 ** (width - 1)) return value;
  pax.push([key, String(value)]);
  return 0;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins with NUL
const isAscii = (bytes: ByteString) => /^[\x00-\x7f]*$/.test(bytes);

const utf8Sequence = new RegExp(
  [
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
    '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}',
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
    '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
    '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}',
  ].join('|'),
  'g',
);

/** The replacement for each character that is not ASCII, and for each byte that is not UTF-8. */
const asAscii = (bytes: ByteString, replacement: string) =>
  bytes.replace(utf8Sequence, replacement).replace(/[\x80-\xff]/g, replacement);

const isUtf8 = (bytes: ByteString) => !/[\x80-\xff]/.test(bytes.replace(utf8Sequence, ''));

interface HeaderFields {
  prefix: string;
  name: string;
  linkname: string;
  uname: string;
  gname: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  flag: string;
  device: string;
}

function headerBlock(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(fields.name, 0, 100, 'latin1');
  writeOctal(block, fields.mode, 100, 8);
  writeOctal(block, fields.uid, 108, 8);
  writeOctal(block, fields.gid, 116, 8);
  writeOctal(block, fields.size, 124, 12);
  writeOctal(block, fields.mtime, 136, 12);
  block.write('        ', 148, 8, 'latin1');
  block.write(fields.flag, 156, 1, 'latin1');
  block.write(fields.linkname, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 8, 'latin1');
  block.write(fields.uname, 265, 32, 'latin1');
  block.write(fields.gname, 297, 32, 'latin1');
  block.write(fields.device, 329, 8, 'latin1');
  block.write(fields.device, 337, 8, 'latin1');
  block.write(fields.prefix, 345, 155, 'latin1');
  block.write(`${headerSum(block).toString(8).padStart(6, '0')}\0`, 148, 7, 'latin1');
  return block;
}

function writeOctal(block: Buffer, value: number, offset: number, width: number) {
  block.write(value.toString(8).padStart(width - 1, '0'), offset, width - 1, 'latin1');
}

/** Sum of a header's bytes, its checksum field taken as it stands. */
export function headerSum(block: Buffer): number {
  let sum = 0;
  for (let at = 0; at < blockSize; at += 1) sum += block[at] ?? 0;
  return sum;
}

function paxHeader(values: PaxRecords, name: ByteString): Buffer {
  const charset = values.every(([, value]) => isUtf8(value)) ? '' : '21 hdrcharset=BINARY\n';
  const records = charset + values.map(([key, value]) => paxRecord(key, value)).join('');
  const header = headerBlock({
    prefix: '',
    name,
    linkname: '',
    uname: '',
    gname: '',
    mode: 0,
    uid: 0,
    gid: 0,
    size: records.length,
    mtime: 0,
    flag: 'x',
    device: '',
  });
  const body = Buffer.alloc(records.length + padding(records.length));
  body.write(records, 'latin1');
  return Buffer.concat([header, body]);
}

/** "<length> <key>=<value>\n", where the length counts its own digits. */
function paxRecord(key: string, value: ByteString): ByteString {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return `${length}${rest}`;
}
