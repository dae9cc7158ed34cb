import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lanesShown } from '../../../src/page/lanes-shown.ts';
import { pageData } from '../../../src/report/page-data.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const at = (layer: string, detail: string, start: number, seconds: number) =>
  ({ kind: 'build', layer, detail, start, seconds }) as const;

const data = pageData(
  sampleRecord({
    layers: [
      sampleLayer({ name: 'a', origin: 'built', seconds: 6 }),
      sampleLayer({ name: 'b', origin: 'built', seconds: 1 }),
      sampleLayer({ name: 'idle' }),
    ],
    spans: [
      { kind: 'evaluate', start: 0, seconds: 1 },
      ...[at('a', 'short', 2, 1), at('a', 'long', 1, 5), at('a', 'next', 6, 1)],
      at('b', 'x', 3, 1),
    ],
  }),
  [],
);

test('all layers: one lane each, named with the time in which something was done', () => {
  const lanes = lanesShown(data, undefined);
  assert.deepEqual(
    lanes.map(({ label, row, from, to }) => ({ label, row, from, to })),
    [
      { label: 'the run', row: 0, from: 0, to: 1 },
      { label: 'a · 6 s', row: 1, from: 1, to: 7 },
      { label: 'b · 1 s', row: 2, from: 3, to: 4 },
    ],
  );
  // what is short lies over what is long
  assert.deepEqual(
    lanes[1]?.bars.map(({ text }) => text),
    ['building long · 5 s', 'building short · 1 s', 'building next · 1 s'],
  );
});

test('one layer: as many lanes as things went on at the same time, without names of their own', () => {
  const lanes = lanesShown(data, 1);
  assert.deepEqual(
    lanes.map(({ bars, label }) => [label, bars.map(({ text }) => text)]),
    [
      [undefined, ['building long · 5 s', 'building next · 1 s']],
      [undefined, ['building short · 1 s']],
    ],
  );
});
