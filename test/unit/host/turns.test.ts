import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '../../../src/host/turns.ts';

/** Works that end when they are told to; `begun` are their names in the order in which they began. */
function works(most: number) {
  const inTurn = turns(most);
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const start = (name: string, weight?: number) => {
    const end = Promise.withResolvers<void>();
    ends.set(name, end);
    const work = async () => {
      begun.push(name);
      await end.promise;
      return name;
    };
    return inTurn(work, weight);
  };
  const end = async (name: string, error?: Error) => {
    if (error) ends.get(name)?.reject(error);
    else ends.get(name)?.resolve();
    await nextTurn();
  };
  return { begun, start, end };
}

const nextTurn = () => new Promise(setImmediate);

test('no more than so many at a time, in the order in which they came', async () => {
  const { begun, start, end } = works(2);
  const all = ['a', 'b', 'c', 'd'].map(name => start(name));
  assert.deepEqual(begun, ['a', 'b']);
  await end('b');
  assert.deepEqual(begun, ['a', 'b', 'c']);
  for (const name of ['a', 'c', 'd']) await end(name);
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
});

test('what weighs most of what waits goes first', async () => {
  const { begun, start, end } = works(1);
  const all = [start('first'), start('light', 1), start('heavy', 9), start('as light', 1)];
  for (const name of ['first', 'heavy', 'light', 'as light']) await end(name);
  await Promise.all(all);
  assert.deepEqual(begun, ['first', 'heavy', 'light', 'as light']);
});

test('of those that are asked for together the heaviest go first', async () => {
  const { begun, start, end } = works(2);
  const all = [start('light', 1), start('heavy', 9)];
  await Promise.resolve();
  all.push(start('heavier', 10));
  await nextTurn();
  assert.deepEqual(begun, ['heavier', 'heavy']);
  for (const name of ['heavy', 'light', 'heavier']) await end(name);
  await Promise.all(all);
});

test('one that fails gives its turn on, and a turn that nobody wants is kept', async () => {
  const { begun, start, end } = works(1);
  const failing = assert.rejects(start('failing'), { message: 'in vain' });
  const next = start('next');
  await end('failing', new Error('in vain'));
  await end('next');
  await Promise.all([failing, next]);
  void start('later');
  assert.deepEqual(begun, ['failing', 'next', 'later']);
  await end('later');
});
