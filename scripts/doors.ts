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
  /** The folder of src/ that it guards, where that is not all of it; ends in /. */
  within?: string;
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
    name: 'files that an image may be made of',
    pattern: /\b(node:fs|openSync|createReadStream)\b/,
    only: ['src/image/sources/source-files.ts'],
    within: 'src/image/sources/',
    instead: 'open by SourceFiles of src/image/sources/source-files.ts',
    example: "import { open } from 'node:fs/promises';",
  },
  {
    name: 'an image of others',
    pattern:
      /\b(dockerArchiveFile|nix2container|ociLayout|streamLayeredImage)\(|\bfileEntry\(|\bstoreEntries\(/,
    only: ['src/image/'],
    instead: 'open it by openSource of src/image/sources/detect.ts, or pack by storeBlobSource',
    example: 'const image = await ociLayout(files, packing);',
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
  const closed = doors.filter(
    ({ only, within = 'src/' }) =>
      file.startsWith(within) && !only.some(each => isWithin(file, each)),
  );
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
