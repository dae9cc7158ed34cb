import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { readRunLimits } from '../../../src/inputs/run-limits.ts';

const read = (...lines: string[]) => readRunLimits('limits', lines);

for (const [line, quantity, bound, inclusive] of [
  ['image-size < 12GiB', 'image-size', 12 * 2 ** 30, false],
  ['layer-growth<500 MiB', 'layer-growth', 500 * 2 ** 20, false],
  ['pull <= 1.5 GB', 'pull', 1_500_000_000, true],
  ['sent < 10 kB', 'sent', 10_000, false],
  ['sent < 10KB', 'sent', 10_000, false],
  ['fetched < 100 B', 'fetched', 100, false],
  ['build-time < 30m', 'build-time', 1800, false],
  ['build-time < 90 s', 'build-time', 90, false],
  ['build-time < 45 min', 'build-time', 2700, false],
  ['build-time <= 1h 30m', 'build-time', 5400, true],
] as const) {
  test(`the limit ${line} is ${bound}`, () => {
    assert.deepEqual(read(line), [{ text: line, quantity, bound, inclusive }]);
  });
}

for (const [line, said] of [
  ['image-size', 'expected lines QUANTITY < NUMBER UNIT; found "image-size"'],
  ['image-size > 1GB', 'Write image-size < 12GiB'],
  ['image size < 1GB', 'the quantities are image-size, layer-growth'],
  ['img-size < 1GB', 'The nearest is image-size'],
  ['image-size < 12', 'units B, kB, MB, GB, KiB, MiB or GiB; found "12" ("image-size < 12")'],
  ['image-size < 12m', 'found "12m"'],
  ['image-size < 12Gb', 'found "12Gb"'],
  ['image-size < 0GiB', 'found "0GiB"'],
  ['image-size < -1GiB', 'found "-1GiB"'],
  ['image-size <', 'found ""'],
  ['image-size << 1GB', 'found "< 1GB"'],
  ['build-time < 30', 'units s, m or h; found "30"'],
  ['build-time < 1GiB', 'Write build-time < 30m'],
  ['constructor < 1GiB', 'there is no quantity "constructor"'],
  ['sent < 1toString', 'found "1toString"'],
] as const) {
  test(`${line} is refused, and it is said what may stand there`, () => {
    assert.throws(
      () => read('pull < 1GiB', line),
      error =>
        error instanceof Failure &&
        error.exitCode === 2 &&
        `${error.message} ${error.details.next}`.includes(said),
    );
  });
}

test('a quantity has one limit', () => {
  assert.throws(() => read('sent < 1GB', 'pull < 1GB', 'sent < 2GB'), /"sent < 2GB" is a second/);
});
