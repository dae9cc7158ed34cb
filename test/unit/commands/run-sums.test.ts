import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumsOfRuns } from '../../../src/commands/build/nix-events/run-sums.ts';
import type { NixEvent } from '../../../src/nix/types.ts';

const counts = (built: number, fetched: number): NixEvent => ({
  type: 'counts',
  built: { done: built, expected: 10 },
  fetched: { done: fetched, expected: 5 },
  at: 0,
});

test('what several runs of Nix tell of themselves is told as the sum of all', () => {
  const next = sumsOfRuns();
  const [first, second] = [next(), next()];
  first(counts(3, 1));
  first({ type: 'download', done: 100, expected: 200, at: 0 });
  assert.deepEqual(second(counts(1, 0)), {
    type: 'counts',
    built: { done: 4, expected: 20 },
    fetched: { done: 1, expected: 10 },
    at: 0,
  });
  assert.deepEqual(second({ type: 'download', done: 7, expected: 9, at: 1 }), {
    type: 'download',
    done: 107,
    expected: 209,
    at: 1,
  });
  const other: NixEvent = { type: 'message', level: 0, text: 'x', at: 0 };
  assert.equal(second(other), other);
});

test('a run that has begun again, as its numbers show, adds to what it told before: no sum ever falls', () => {
  const run = sumsOfRuns()();
  run({ type: 'download', done: 60, expected: 100, at: 0 });
  run(counts(3, 1));
  const again = run({ type: 'download', done: 1, expected: 30, at: 0 });
  assert.deepEqual(again, { type: 'download', done: 61, expected: 130, at: 0 });
  const built = run(counts(1, 0));
  assert.ok(built.type === 'counts');
  assert.deepEqual(built.built, { done: 4, expected: 20 });
});
