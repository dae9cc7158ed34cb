import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once, onceEach } from '../../../src/host/once.ts';

test('a question is asked when it is needed, and once, whatever comes of it', async () => {
  let asked = 0;
  const answer = once(async () => {
    asked += 1;
    throw new Error('no answer');
  });
  assert.equal(asked, 0);
  await assert.rejects(Promise.all([answer(), answer()]), { message: 'no answer' });
  await assert.rejects(answer());
  assert.equal(asked, 1);
});

test('each of many questions is asked once, by its name', async () => {
  const asked: number[] = [];
  const parity = onceEach(
    (number: number) => String(number % 2),
    async number => {
      asked.push(number);
      return number % 2 === 0;
    },
  );
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(parity)), [false, true, false, true]);
  assert.deepEqual(asked, [1, 2]);
});
