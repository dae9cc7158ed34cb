// What may be done in one place only: a fault of a kind is mended where the kind is decided, and this
// holds new code to that place. `npm run check` runs it; it prints each line that goes past a door.

import { globSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A thing that is done in a few files alone. */
export interface Door {
  /** What is guarded, as a noun. */
  name: string;
  /** What a line of code looks like that does it; comments are not looked at. */
  pattern: RegExp;
  /** Files (of the repository) that may: the door itself. A name that ends in / is a folder. */
  only: readonly string[];
  /** What others do instead. */
  instead: string;
  /** A line that must be found. */
  example: string;
}

export const doors: readonly Door[] = [
  {
    name: "SQLite's lock",
    pattern: /BEGIN EXCLUSIVE|\bnode:sqlite\b/,
    only: ['src/host/lock.ts'],
    instead: 'lock by withLock or tryLock of src/host/lock.ts',
    example: "database.exec('BEGIN EXCLUSIVE');",
  },
  {
    name: 'logins in addresses',
    pattern: /\.(?:username|password) = ''|\[\^[^\]]*@[^\]]*\]\*@|:\/\/\.\*@/,
    only: ['src/host/http/address.ts'],
    instead: 'withoutLogin, shownAddress or urlWithoutLogin of src/host/http/address.ts',
    example: "at.password = '';",
  },
  {
    name: 'addresses in a registry',
    pattern: /\/v2\/|`\/?(?:blobs|manifests)\/\$\{/,
    only: ['src/registry/client.ts', 'src/registry/auth.ts', 'src/image/'],
    instead:
      'blobUrl, manifestUrl or uploadsUrl of src/registry/client.ts, which check what is named',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of code
    example: 'const url = new URL(`/v2/${repository}/x`, origin);',
  },
  {
    name: 'documents of images',
    pattern: /\bas (?:unknown as )?(?:Partial<)?(?:Manifest|Descriptor)\b/,
    only: ['src/registry/documents.ts', 'src/registry/archive.ts'],
    instead: 'findManifest, readManifest or readConfig of src/registry/documents.ts',
    example: 'const manifest = JSON.parse(text) as Manifest;',
  },
  {
    name: 'digests',
    pattern: /sha256:\[0-9a-f\]/,
    only: ['src/registry/digest.ts', 'src/record/schema.ts'],
    instead: 'isDigest or checkedDigest of src/registry/digest.ts',
    example: 'const digest = /^sha256:[0-9a-f]{64}$/;',
  },
  {
    name: 'numbers in headers',
    pattern: /\bNumber(?:\.parse\w+)?\([^)]*header\(|parseInt\([^)]*header\(/,
    only: ['src/host/http/message.ts'],
    instead: 'headerNumber or wholeNumber of src/host/http/message.ts, with a limit',
    example: "const size = Number(header(answer, 'content-length'));",
  },
];

/** A line that goes past a door. */
export interface Passage {
  door: Door;
  file: string;
  line: number;
}

/** Lines of a file that go past a door. */
export function passages(file: string, text: string): Passage[] {
  const closed = doors.filter(({ only }) => !only.some(each => isWithin(file, each)));
  return text.split('\n').flatMap((line, at) => {
    if (/^\s*(\/\/|\/?\*)/.test(line)) return [];
    const passed = closed.filter(({ pattern }) => pattern.test(line));
    return passed.map(door => ({ door, file, line: at + 1 }));
  });
}

const isWithin = (file: string, place: string) =>
  place.endsWith('/') ? file.startsWith(place) : file === place;

const root = fileURLToPath(new URL('..', import.meta.url));

/** All lines of src/ that go past a door. */
export function allPassages(): Passage[] {
  return globSync('src/**/*.ts', { cwd: root }).flatMap(file =>
    passages(file, readFileSync(new URL(file, new URL('../', import.meta.url)), 'utf8')),
  );
}

if (
  process.argv[1] !== undefined &&
  relative(fileURLToPath(import.meta.url), process.argv[1]) === ''
) {
  const found = allPassages();
  for (const { door, file, line } of found) {
    console.error(`${file}:${line}: past the door of ${door.name}: ${door.instead}.`);
  }
  process.exitCode = found.length === 0 ? 0 : 1;
}
