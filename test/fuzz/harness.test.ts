import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultOf, readersOf } from './harness.ts';

const planted = await readersOf(new URL('planted.ts', import.meta.url));

/** What is said of a planted reader. */
async function said(name: string, caseLimit = 5_000): Promise<string | undefined> {
  const found = planted.find(({ reader }) => reader.name === name);
  assert.ok(found, name);
  return await faultOf(found, { seed: 1, runs: 200, caseLimit, shrinkLimit: 300 });
}

test('values and failures are right', async () => {
  assert.equal(await said('right'), undefined);
});

for (const name of ['type error', 'late type error']) {
  test(`a ${name} is reported with the smallest case and what replays it`, async () => {
    const fault = await said(name);
    assert.match(fault ?? '', /TypeError: too/);
    assert.match(fault ?? '', /seed: 1, path: "[\d:]+"/);
    assert.match(fault ?? '', /case: 701$/);
  });
}

test('a case that never ends is reported, and its worker is gone', async () => {
  const fault = await said('hangs', 300);
  assert.match(fault ?? '', /^a case did not end in 0\.3 s\n\{ seed: 1, path: "\d+" \}/);
  assert.ok(Number(/case: (\d+)$/.exec(fault ?? '')?.[1]) > 700, fault);
});

test('what was thrown is reported where making the case smaller never ends', async () => {
  const fault = await said('hangs while the case is made smaller', 300);
  assert.match(fault ?? '', /^TypeError: before/);
});

test('a reader that never answers, or ends its thread, is reported with the case', async () => {
  for (const name of ['never answers', 'exits']) {
    const fault = await said(name);
    assert.match(fault ?? '', /^it ended its worker with code \d+\n\{ seed: 1/);
    assert.ok(Number(/case: (\d+)$/.exec(fault ?? '')?.[1]) > 700, fault);
  }
});

test('a rejection that nobody awaits is reported', async () => {
  assert.match((await said('rejects nobody')) ?? '', /^it ended its worker: Error: nobody/);
});

test('a reader that takes all memory is reported', async () => {
  assert.match((await said('takes all memory')) ?? '', /memory/);
});

test('cases that broke a reader once are tried first', async () => {
  assert.match(
    (await said('broken once')) ?? '',
    /RangeError: again[\s\S]*path: "0[\s\S]*case: 4711$/,
  );
});
