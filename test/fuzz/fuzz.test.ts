import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, test } from 'node:test';
import { faultOf, readersOf } from './harness.ts';

// another seed, or more cases: FUZZ_SEED=2 FUZZ_RUNS=1000000 node --test test/fuzz/fuzz.test.ts
const seed = Number(process.env.FUZZ_SEED ?? 1);
const runs = Number(process.env.FUZZ_RUNS ?? 10_000);

const here = new URL('./', import.meta.url);
const files = globSync('readers/*.ts', { cwd: here }).sort();
const placed = await Promise.all(files.map(file => readersOf(new URL(file, here))));

describe('a reader of foreign bytes gives a value or one Failure', { concurrency: 2 }, () => {
  for (const each of placed.flat()) {
    // the time of each is in the test's line; all together should stay below a minute
    test(each.reader.name, async () => {
      const fault = await faultOf(each, { seed, runs, caseLimit: 5_000, shrinkLimit: 10_000 });
      assert.ok(fault === undefined, `${each.file.pathname}: ${each.reader.name}: ${fault}`);
    });
  }
});

test('no reader has the name of another', () => {
  const names = placed.flat().map(({ reader }) => reader.name);
  assert.deepEqual(names, [...new Set(names)]);
});
