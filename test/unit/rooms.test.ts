import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');

/** A room of CONTRIBUTING's table, and what its files may import of others. */
interface Room {
  name: string;
  /** Rooms whose values and types it may import. */
  knows: readonly string[];
  /** Rooms of which it may import types alone. */
  types: readonly string[];
}

/** The rows of the table whose first cell names folders in src/, in their order. */
function roomsIn(table: string): Room[] {
  const rows = table.split('\n').flatMap(line => {
    const [, folders = '', , knows = ''] = line.split('|');
    const names = [...folders.matchAll(/`src\/(\w+)\/`/g)].map(([, name = '']) => name);
    return names.length === 0 ? [] : [{ names, knows: knows.trim() }];
  });
  return rows.flatMap(({ names, knows }, at) => {
    const below = rows.slice(at + 1).flatMap(row => row.names);
    const [values = '', types = ''] = knows.split('types of ');
    return names.map(name => ({
      name,
      knows: values === 'all below' ? below : namesIn(values),
      types: namesIn(types),
    }));
  });
}

const namesIn = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

/** An import of one room's file by another room's. */
interface Import {
  from: string;
  to: string;
  isType: boolean;
  /** For the message. */
  text: string;
}

const statement = /^(?:import|export)\b(?:[^;]*?\bfrom)? '(\.[^']+)';/gm;
const onUse = /\bimport\('(\.[^']+)'\)/g;

/** What a file imports of other rooms: statements, and what is loaded on use. */
function importsOf(file: string, text: string): Import[] {
  const found = [
    ...[...text.matchAll(statement)].map(([whole, path = '']) => ({ path, isType: isType(whole) })),
    ...[...text.matchAll(onUse)].map(([, path = '']) => ({ path, isType: false })),
  ];
  return found.flatMap(({ path, isType }) => {
    const target = posix.join(dirname(file), path);
    const [from, to] = [roomOf(file), roomOf(target)];
    return from === to ? [] : [{ from, to, isType, text: `${file} imports ${target}` }];
  });
}

/** Whether an import brings types alone: `import type {…}`, or `import { type … }` throughout. */
function isType(text: string): boolean {
  if (/^\w+ type\b/.test(text)) return true;
  const names = /\{([^}]*)\}/.exec(text)?.[1]?.split(',') ?? [];
  const given = names.map(name => name.trim()).filter(name => name !== '');
  return given.length > 0 && given.every(name => name.startsWith('type '));
}

const roomOf = (file: string) => file.split('/')[1] ?? '';

const mayImport = (rooms: readonly Room[], { from, to, isType }: Import) => {
  const room = rooms.find(({ name }) => name === from);
  return room?.knows.includes(to) || (isType && room?.types.includes(to));
};

const rooms = roomsIn(read('CONTRIBUTING.md'));
const imports = globSync('src/**/*.ts', { cwd: root }).flatMap(file => importsOf(file, read(file)));

test('the table names every room', () => {
  const folders = globSync('src/*', { cwd: root }).map(folder => roomOf(folder));
  assert.deepEqual(rooms.map(({ name }) => name).sort(), folders.sort());
});

test('a room knows rooms that stand below it in the table alone, so that there is no circle', () => {
  const names = rooms.map(({ name }) => name);
  const upward = rooms.flatMap(({ name, knows, types }, at) =>
    [...knows, ...types].filter(other => names.indexOf(other) <= at).map(to => `${name}: ${to}`),
  );
  assert.deepEqual(upward, []);
});

test('every import is of a room that the table lets it know', () => {
  const forbidden = imports.filter(each => !mayImport(rooms, each));
  assert.deepEqual(
    forbidden.map(({ text, isType }) => (isType ? `${text} (types)` : text)),
    [],
  );
});

test('the table lets no room know more than it does', () => {
  const unused = rooms.flatMap(({ name, knows, types }) => [
    ...knows
      .filter(to => !imports.some(each => each.from === name && each.to === to && !each.isType))
      .map(to => `${name}: ${to}`),
    ...types
      .filter(to => !imports.some(each => each.from === name && each.to === to))
      .map(to => `${name}: types of ${to}`),
  ]);
  assert.deepEqual(unused, []);
});

const small = roomsIn(
  ['| `src/face/` | | all below |', '| `src/work/` | `src/x/` | `host`; types of `data` |']
    .concat(['| `src/data/` | | – |', '| `src/host/` | | – |'])
    .join('\n'),
);
const source = (file: string, text: string) =>
  importsOf(file, text).map(each => [each.to, each.isType, mayImport(small, each) === true]);

test('imports are seen however they are written, and told from types', () => {
  const cases: [string, boolean, boolean][] = [
    ["import { run } from '../host/run.ts';", false, true],
    ["import {\n  run,\n  type Run,\n} from '../host/run.ts';", false, true],
    ["import { row } from '../data/row.ts';", false, false],
    ["import type { Row } from '../data/row.ts';", true, true],
    ["import { type Row, type Cell } from '../data/row.ts';", true, true],
    ["export type { Row } from '../data/row.ts';", true, true],
    ["export * from '../data/row.ts';", false, false],
    ["import '../data/row.ts';", false, false],
    ["const { row } = await import('../data/row.ts');", false, false],
    ["import { main } from '../face/main.ts';", false, false],
    ["import type { Main } from '../face/main.ts';", true, false],
  ];
  for (const [text, isType, isAllowed] of cases) {
    const to = /\.\.\/(\w+)/.exec(text)?.[1];
    assert.deepEqual(source('src/work/deep.ts', text), [[to, isType, isAllowed]], text);
  }
  assert.deepEqual(source('src/work/a.ts', "import { b } from './b.ts';"), []);
  assert.deepEqual(
    source('src/work/a/b.ts', "import { c } from '../../face/c.ts';")[0]?.[2],
    false,
  );
  assert.deepEqual(source('src/face/a.ts', "import { c } from '../data/c.ts';")[0]?.[2], true);
});
