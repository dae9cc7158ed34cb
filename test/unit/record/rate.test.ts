import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureRate } from '../../../src/record/rate.ts';

function rateOf(points: readonly (readonly [seconds: number, total: number])[]) {
  const rate = measureRate();
  for (const [seconds, total] of points) rate.take(total, seconds * 1000);
  return (expected: number, seconds: number) => rate.left(expected, seconds * 1000);
}

test('nothing is said of the first seconds, of a standstill, and of nothing at all', () => {
  assert.equal(rateOf([])(100, 10), undefined);
  assert.equal(
    rateOf([
      [0, 0],
      [2, 50],
    ])(100, 4),
    undefined,
  );
  assert.equal(
    rateOf([
      [0, 50],
      [9, 50],
    ])(100, 10),
    undefined,
  );
});

test('what is left follows from how fast it went', () => {
  const left = rateOf([
    [0, 0],
    [5, 50],
    [10, 100],
  ]);
  assert.equal(left(300, 10), 20);
  assert.equal(left(100, 10), 0);
  assert.equal(left(50, 10), 0);
  // and grows while nothing comes
  assert.equal(left(300, 20), 40);
});

test('what was half a minute ago does not count any more', () => {
  const slow = Array.from({ length: 100 }, (_, at) => [at, at] as const);
  const fast = Array.from({ length: 41 }, (_, at) => [100 + at, 100 + at * 10] as const);
  assert.equal(rateOf([...slow, ...fast])(1000, 140), 50);
});
