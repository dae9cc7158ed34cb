import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closureOfRow, loneRow, rowsOfStore } from '../../../src/registry/memory/rows.ts';

/** What a store says of these paths. */
const rowsOf = (references: Record<string, string[]>) =>
  rowsOfStore(path => (Object.hasOwn(references, path) ? references[path] : undefined));

test('a closure is walked: each path once, the path itself first', () => {
  const rowOf = rowsOf({ app: ['app', 'lib', 'python'], python: ['lib'], lib: [], other: [] });
  const app = rowOf('app') ?? assert.fail();
  assert.deepEqual(closureOfRow(app), ['app', 'lib', 'python']);
  assert.deepEqual(closureOfRow(app), ['app', 'lib', 'python'], 'as often as it is asked');
  const references = Array.from(app.table.referencesAt(app.at) ?? []);
  assert.deepEqual(references.map(app.table.pathAt), ['lib', 'python'], 'without itself');
  const python = rowOf('python') ?? assert.fail();
  assert.deepEqual(closureOfRow(python), ['python', 'lib']);
  assert.deepEqual(python, { table: app.table, at: references[1] }, 'a path is one row');
});

test('what the store does not know whole has no row, and nobody else loses his by it', () => {
  const rowOf = rowsOf({ app: ['lib', 'lost'], lib: [], tool: ['lib'] });
  assert.equal(rowOf('app'), undefined);
  assert.equal(rowOf('lost'), undefined);
  assert.deepEqual(closureOfRow(rowOf('tool') ?? assert.fail()), ['tool', 'lib']);
});

test('of a path whose references are not known there is no closure', () => {
  assert.equal(closureOfRow(loneRow('python')), undefined);
  const table = {
    count: 2,
    pathAt: (at: number) => ['python', 'app'][at] ?? '',
    referencesAt: (at: number) => (at === 1 ? [0] : undefined),
  };
  assert.equal(closureOfRow({ table, at: 1 }), undefined);
});
