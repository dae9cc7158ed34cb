import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../../src/record/types.ts';
import { criticalLayers, criticalPath } from '../../../src/report/critical-path.ts';
import { ganttMermaid } from '../../../src/report/gantt.ts';
import { packLanes } from '../../../src/report/lanes.ts';
import { runText } from '../../../src/report/run-text.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const stretch = (start: number, seconds: number, layer = 'a') => ({ start, seconds, layer });

test('lanes: nothing overlaps in one, and there are as few as can be', () => {
  const stretches = [stretch(5, 5), stretch(0, 5), stretch(1, 2), stretch(3, 9), stretch(2, 2)];
  assert.deepEqual(packLanes(stretches), [0, 0, 1, 1, 2]);
  assert.deepEqual(packLanes([]), []);
});

test('the critical path goes from the end back to what each had to wait for', () => {
  const [first, beside, second, last] = [
    stretch(0, 4),
    stretch(0, 3),
    stretch(4, 4),
    stretch(8.01, 2),
  ];
  const path = criticalPath([beside, last, first, second]);
  assert.deepEqual(path, [first, second, last]);
});

test('of what ended at about the same time the work of the same layer was waited for', () => {
  const [own, other, next] = [stretch(0, 3.9, 'b'), stretch(0, 4, 'a'), stretch(4, 4, 'b')];
  assert.deepEqual(criticalPath([own, other, next]), [own, next]);
  const earlier = stretch(0, 3.8, 'b');
  assert.deepEqual(criticalPath([earlier, other, next]), [other, next]);
});

test('work for no layer is not what work for no layer waits for', () => {
  const none = (start: number, seconds: number) => ({ start, seconds });
  const [own, other, next] = [none(0, 3.9), stretch(0, 4, 'a'), none(4, 4)];
  assert.deepEqual(criticalPath([own, other, next]), [other, next]);
});

test('a layer with little of the path is not named', () => {
  const works = [stretch(0, 0.2, 'small'), stretch(0.2, 10, 'large')];
  assert.deepEqual([...criticalLayers(works)], ['large']);
});

/** A record of layers that are built one beside the other, each a second longer than the one before. */
function recordOf(layers: number, name = (at: number) => `layer${at}`) {
  const names = Array.from({ length: layers }, (_, at) => name(at));
  const spans = names.map((layer, at): Span => {
    return { kind: 'build', layer, detail: layer, start: 0, seconds: at + 1 };
  });
  return sampleRecord({
    layers: names.map((each, at) => sampleLayer({ name: each, origin: 'built', seconds: at + 1 })),
    spans,
    seconds: layers,
  });
}

test('the picture has a bar for each layer, in its text how long that took, and no sections', () => {
  assert.equal(
    ganttMermaid(recordOf(2)),
    [
      'gantt',
      '  dateFormat YYYY-MM-DD HH:mm:ss.SSS',
      '  axisFormat %M:%S',
      '  todayMarker off',
      '  layer0 · 1 s :b0, 2000-01-01 00:00:00.000, 1000ms',
      '  layer1 · 2 s :crit, b1, 2000-01-01 00:00:00.000, 2000ms',
    ].join('\n'),
  );
  assert.equal(ganttMermaid(sampleRecord({ spans: [] })), undefined);
});

test('the picture says what lies before and after the layers where that is much', () => {
  const record = sampleRecord({
    spans: [
      { kind: 'evaluate', start: 0, seconds: 30 },
      { kind: 'build', layer: 'layer3-pytorch', start: 30, seconds: 60 },
    ],
    seconds: 100,
  });
  const bars = ganttMermaid(record)?.split('\n').slice(4);
  assert.deepEqual(bars, [
    '  before the layers · 30 s :crit, b0, 2000-01-01 00:00:00.000, 30000ms',
    '  layer3-pytorch · 1 min 14 s :crit, b1, 2000-01-01 00:00:30.000, 60000ms',
    '  after the layers · 10 s :crit, b2, 2000-01-01 00:01:30.000, 10000ms',
  ]);
});

test('of many layers the picture has the longest, forty rows in all', () => {
  const rows = ganttMermaid(recordOf(100))?.split('\n').slice(4) ?? [];
  assert.equal(rows.length, 40);
  assert.match(rows[0] ?? '', /layer60 /);
  assert.match(rows.at(-1) ?? '', /layer99 /);
});

test('names cannot say anything to Mermaid', () => {
  const rows =
    ganttMermaid(recordOf(1, () => 'a:b;c#d\n```\nclick x "y" %%{init}'))?.split('\n') ?? [];
  assert.equal(rows.length, 5);
  const section = ganttMermaid(recordOf(1, () => 'section two')) ?? '';
  assert.match(section, /^ {2}_section two · 1 s :/m);
  assert.match(rows[4] ?? '', /^ {2}a_b_c_d_____click x _y_ ___init_ · 1 s :crit, b0, /);
});

test('a terminal shows a bar for each layer, where it was in the run', () => {
  const record = sampleRecord({
    spans: [
      { kind: 'build', layer: 'layer0-base', start: 0, seconds: 12 },
      { kind: 'build', layer: 'layer3-pytorch', start: 12, seconds: 36 },
      { kind: 'pack', layer: 'layer0-base', start: 12, seconds: 1 },
    ],
    seconds: 48,
  });
  for (const [at, seconds] of [13, 0, 36].entries()) {
    Object.assign(record.layers[at] ?? {}, { seconds });
  }
  const text = runText(record);
  const lines = text.split('\n');
  assert.equal(lines[0], '.#comfyui in 48 s');
  assert.ok(lines.includes(`layer0-base            13 s ${'█'.repeat(13)}`), text);
  assert.ok(lines.includes(`layer3-pytorch         36 s ${' '.repeat(12)}${'█'.repeat(36)}`), text);
  assert.ok(text.includes('\n    docker run --gpus all --rm ghcr.io/o/comfyui@sha256:33'), text);
});
