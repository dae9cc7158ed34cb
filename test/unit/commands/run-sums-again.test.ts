import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumsOfRuns } from '../../../src/commands/build/run-sums.ts';
import type { NixEvent } from '../../../src/nix/types.ts';

const download = (done: number, expected: number): NixEvent => {
  return { type: 'download', done, expected, at: 0 };
};

test('what several runs of Nix have downloaded is one sum, which never falls', () => {
  const begin = sumsOfRuns();
  const first = begin();
  assert.deepEqual(first(download(40, 100)), download(40, 100));
  const second = begin();
  assert.deepEqual(second(download(5, 10)), download(45, 110));
  assert.deepEqual(first(download(60, 100)), download(65, 110));
  assert.deepEqual(first(download(1, 30)), download(66, 140), 'it has begun again');
  const other: NixEvent = { type: 'output-valid', outPath: '/nix/store/x', at: 1 };
  assert.equal(first(other), other);
});
