import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchStages } from '../../../src/image/stages.ts';

test('each stage has what passed since the one before it, and where it begins and ends', () => {
  let now = 100;
  const { stages, passed } = watchStages(() => now);
  const steps: [stage: Parameters<typeof passed>[0], ms: number][] = [
    ['pack', 10],
    ['pack', 5],
    ['compress', 3],
    ['upload', 40],
    ['pack', 2],
    ['upload', 1],
  ];
  for (const [stage, ms] of steps) {
    now += ms;
    passed(stage);
  }
  assert.deepEqual(stages, {
    pack: { from: 0, to: 60, busy: 17 },
    compress: { from: 15, to: 18, busy: 3 },
    upload: { from: 18, to: 61, busy: 41 },
  });
});
