import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closureOfRow, rowsOfStore } from '../../../src/registry/memory/rows.ts';

/** What a store says of these paths. */
const rowsOf = (references: Record<string, string[]>) =>
  rowsOfStore(path => (Object.hasOwn(references, path) ? references[path] : undefined));

test('a closure is walked: each path once, the path itself first', () => {
  const rowOf = rowsOf({ app: ['app', 'lib', 'python'], python: ['lib'], lib: [], other: [] });
  const app = rowOf('app') ?? assert.fail();
  assert.deepEqual(closureOfRow(app), ['app', 'lib', 'python']);
  assert.deepEqual(closureOfRow(app), ['app', 'lib', 'python'], 'as often as it is asked');
  assert.deepEqual(
    app.references?.map(({ path }) => path),
    ['lib', 'python'],
    'without itself',
  );
  const python = rowOf('python') ?? assert.fail();
  assert.deepEqual(closureOfRow(python), ['python', 'lib']);
  assert.equal(app.references?.[1], python, 'a path is one row');
});

test('what the store does not know whole has no row, and nobody else loses his by it', () => {
  const rowOf = rowsOf({ app: ['lib', 'lost'], lib: [], tool: ['lib'] });
  assert.equal(rowOf('app'), undefined);
  assert.equal(rowOf('lost'), undefined);
  assert.deepEqual(closureOfRow(rowOf('tool') ?? assert.fail()), ['tool', 'lib']);
});

test('of a path whose references are not known there is no closure', () => {
  const python = { path: 'python' };
  assert.equal(closureOfRow(python), undefined);
  assert.equal(closureOfRow({ path: 'app', references: [python] }), undefined);
});
