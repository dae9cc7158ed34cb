import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepOwnRights } from '../../../src/host/umask.ts';

test('a umask that takes rights from the owner gives them back, and others stay', () => {
  for (const [before, after] of [
    [0o777, 0o077],
    [0o277, 0o077],
    [0o077, 0o077],
    [0o022, 0o022],
    [0, 0],
  ] as const) {
    let mask: number = before;
    keepOwnRights({
      umask: value => {
        const old = mask;
        mask = value ?? mask;
        return old;
      },
    });
    assert.equal(mask, after);
  }
});
