import { limits } from '../../host/limits.ts';
import { refused } from './refused.ts';
import type { Zip, ZipEntry } from './zip.ts';

/** An entry of a wheel that may be unpacked. */
export interface NamedEntry {
  /** Its path, relative and without "." or ".."; that of a folder ends in a slash. */
  name: string;
  zip: ZipEntry;
}

/**
 * The entries of an archive that hold files, in its order.
 * @throws Failure that names the first that is not allowed in a wheel, and why
 */
export function fileEntries(zip: Zip): NamedEntry[] {
  const named = zip.entries.map(entry => ({ name: checkedName(entry), zip: entry }));
  for (const entry of named) checkKind(entry);
  checkSizes(named, zip);
  return named.filter(({ name }) => !name.endsWith('/'));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The flag that a name is UTF-8; without it it is in the code page 437. */
const isUtf8 = 0x800;

function checkedName({ name: bytes, flags }: ZipEntry): string {
  const isAscii = bytes.every(byte => byte < 0x80);
  const name = isAscii || flags & isUtf8 ? decoded(bytes) : undefined;
  if (name === undefined) throw refused(bytes.toString('latin1'), 'its name is not UTF-8');
  const why = faultOfName(name, bytes.length);
  if (why !== undefined) throw refused(name, why);
  return name;
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function faultOfName(name: string, bytes: number): string | undefined {
  if (/\p{Cc}/u.test(name)) return 'its name has a control character';
  if (name.includes('\\')) return 'its name has a backslash';
  if (name.startsWith('/')) return 'its path is absolute';
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.some(part => ['', '.', '..'].includes(part))) {
    return 'its path has a part that is "..", "." or empty';
  }
  const longest = Math.max(...parts.map(part => Buffer.byteLength(part)));
  if (bytes > limits.archiveName || longest > limits.fileName) return 'its name is too long';
  return undefined;
}

/** Unix's kinds of files, in the upper half of an entry's attributes. */
const kindOf = ({ attributes }: ZipEntry) => (attributes >>> 16) & 0o170000;
const [regular, folder, link] = [0o100000, 0o040000, 0o120000];

/** Whether pip makes a file executable. */
export const isExecutable = (entry: ZipEntry): boolean =>
  kindOf(entry) === regular && ((entry.attributes >>> 16) & 0o111) !== 0;

/** Flags of encrypted bytes, of such ones encrypted strongly, and of a central directory that is. */
const encrypted = 0x2041;

function checkKind({ name, zip }: NamedEntry): void {
  const kind = kindOf(zip);
  if (kind === link) throw refused(name, 'it is a link');
  const allowed = name.endsWith('/') ? [0, regular, folder] : [0, regular];
  if (!allowed.includes(kind)) throw refused(name, 'it is neither a file nor a folder');
  if (zip.flags & encrypted) throw refused(name, 'it is encrypted');
  if (zip.method !== 0 && zip.method !== 8) {
    throw refused(name, `its method is ${zip.method}, neither stored (0) nor deflated (8)`);
  }
}

/** Bytes of a local header without its name. */
const headerSize = 30;

function checkSizes(entries: readonly NamedEntry[], { name }: Zip): void {
  const total = entries.reduce((sum, { zip }) => sum + zip.size, 0);
  if (total > limits.unpacked) {
    throw refused(name, `its tree would have more than ${limits.unpacked} bytes`);
  }
  let end = 0;
  for (const { name, zip } of entries.toSorted((a, b) => a.zip.offset - b.zip.offset)) {
    if (zip.offset < end) throw refused(name, 'its bytes are those of another entry, too');
    end = zip.offset + headerSize + zip.name.length + zip.packedSize;
  }
}
