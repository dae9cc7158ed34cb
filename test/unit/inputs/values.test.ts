import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import { readBoolean, readChoice, readList, readPairs } from '../../../src/inputs/values.ts';

test('booleans are those of YAML 1.2, and nothing else', () => {
  assert.equal(readBoolean('push', 'True'), true);
  assert.equal(readBoolean('push', 'FALSE'), false);
  assert.throws(() => readBoolean('push', 'yes'), {
    message: 'Input push: expected true or false; found "yes".',
    exitCode: 2,
  });
});

test('lists are split at lines and commas; comment lines and repetitions are left out', () => {
  assert.deepEqual(readList('a, b\n# c, d\n\r\n  e,a,,'), ['a', 'b', 'e']);
});

test('a list comes back from any way of writing it', () => {
  const entry = fc.stringMatching(/^[a-z0-9._-]{1,8}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(entry),
      fc.constantFrom(',', '\n', ', ', '\r\n', ',\n'),
      (list, by) => {
        assert.deepEqual(readList(list.join(by)), list);
      },
    ),
  );
});

test('pairs end their key at the first equals sign, and keep commas and hashes', () => {
  assert.deepEqual(readPairs('labels', 'a=b=c, d #1\n# comment\n x = y \nempty='), [
    ['a', 'b=c, d #1'],
    ['x', 'y'],
    ['empty', ''],
  ]);
});

test('pairs without a key, and keys that come twice, are named', () => {
  assert.throws(() => readPairs('labels', 'novalue'), /Input labels: .*"novalue"/);
  assert.throws(() => readPairs('labels', '=x'), /Input labels: .*"=x"/);
  assert.throws(() => readPairs('labels', 'a=1\na=2'), /Input labels: "a" is given twice/);
});

test('a choice that is none names the choices', () => {
  assert.equal(readChoice('compression', 'gzip', ['zstd', 'gzip']), 'gzip');
  assert.throws(
    () => readChoice('compression', 'lz4', ['zstd', 'gzip']),
    (error: unknown) =>
      error instanceof Failure &&
      error.exitCode === 2 &&
      error.message === 'Input compression: expected zstd, gzip; found "lz4".',
  );
});
