import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An entry of a wheel that is made for a test. */
export interface OddEntry {
  name: string;
  text: string;
  /** How often the text is repeated. */
  times?: number;
  /** Unix's mode, with the kind of the file; 0o100644 where none is given, 0 for no attributes. */
  mode?: number;
  /** As zip numbers them: 0 stored, 8 deflated (the default), 12 bzip2, 14 LZMA. */
  method?: number;
  /** Sizes as 64 bits, whatever they are. */
  zip64?: boolean;
  /** Changes headers after they were written: those of a damaged, or a lying, archive. */
  patch?: Partial<Record<Field, number>> & { name?: Buffer; localName?: Buffer };
}

type Field = 'flags' | 'crc32' | 'packedSize' | 'size' | 'offset' | 'content';

const writer = fileURLToPath(new URL('odd-wheels.py', import.meta.url));

/** Writes wheels by Python's zipfile: file → entries. */
export function makeOddWheels(wheels: ReadonlyMap<string, readonly OddEntry[]>): void {
  execFileSync('python3', [writer], { input: JSON.stringify(Object.fromEntries(wheels)) });
  for (const [file, entries] of wheels) {
    const bytes = readFileSync(file);
    for (const [index, entry] of entries.entries()) patchEntry(bytes, entry, index);
    writeFileSync(file, bytes);
  }
}

/** Where the central directory has a field, and how many bytes it takes. */
const fields = {
  flags: [8, 2],
  crc32: [16, 4],
  packedSize: [20, 4],
  size: [24, 4],
  offset: [42, 4],
} as const;

function patchEntry(bytes: Buffer, { patch = {} }: OddEntry, index: number): void {
  const central = centralHeader(bytes, index);
  const local = bytes.readUInt32LE(central + fields.offset[0]);
  const { name, localName = name, content, ...numbers } = patch;
  name?.copy(bytes, central + 46);
  localName?.copy(bytes, local + 30);
  if (content !== undefined) bytes[local + 30 + bytes.readUInt16LE(local + 26)] = content;
  for (const [field, value] of Object.entries(numbers)) {
    const [at, size] = fields[field as keyof typeof fields];
    bytes.writeUIntLE(value, central + at, size);
  }
}

/** Where the header of an entry begins in the central directory. */
function centralHeader(bytes: Buffer, index: number): number {
  let at = bytes.indexOf('PK\x01\x02');
  for (let seen = 0; seen < index; seen += 1) {
    at += 46 + [28, 30, 32].reduce((sum, field) => sum + bytes.readUInt16LE(at + field), 0);
  }
  return at;
}
