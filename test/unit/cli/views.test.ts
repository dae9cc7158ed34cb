import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame } from '../../../src/cli/frame.ts';
import { plainView } from '../../../src/cli/plain.ts';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { textGuard } from '../../../src/host/foreign-text.ts';
import { trackProgress } from '../../../src/record/progress.ts';

const screen = (columns: number, rows: number) => ({ columns, rows, guard: textGuard() });

const drv = `/nix/store/${'a'.repeat(32)}-torch-2.9.0.drv`;

const events: ProgressEvent[] = [
  { type: 'phase-start', phase: 'realise', at: 0 },
  {
    type: 'plan',
    layers: ['base', 'pytorch', 'app'].map(name => ({
      name,
      reused: name === 'base',
      shipped: true,
    })),
    at: 0,
  },
  { type: 'layer-end', layer: 'base', at: 0 },
  { type: 'build-start', derivation: drv, machine: '', layer: 'pytorch', at: 1000 },
  {
    type: 'build-log',
    derivation: drv,
    line: '\u001b[31mcompiling\u001b[0m a',
    layer: 'pytorch',
    at: 2000,
  },
  { type: 'download', done: 1000, expected: 2000, at: 2000 },
];

function progressAfter(list: readonly ProgressEvent[]) {
  const tracker = trackProgress(0);
  for (const event of list) tracker.take(event);
  return tracker.progress;
}

test('a frame shows the phase, the open layers and the last line of the build', () => {
  assert.deepEqual(frame(progressAfter(events), 63_000, screen(100, 24)), [
    'Building the layers · 1 min 03 s · 1 of 3 layers · downloaded 1.00 kB of 2.00 kB',
    '  pytorch  building torch-2.9.0  1 min 02 s',
    '  app      waiting',
    '  > compiling a',
  ]);
});

test('a layer that sends says how far it is, before what else it does', () => {
  const progress = progressAfter([
    ...events,
    { type: 'transfer-start', layer: 'pytorch', blob: 0, uncompressedSize: 4000, at: 60_000 },
    { type: 'transfer-progress', layer: 'pytorch', blob: 0, read: 2000, sent: 900, at: 61_000 },
  ]);
  assert.equal(
    frame(progress, 63_000, screen(80, 24))[1],
    '  pytorch  sending 900 B (read 2.00 kB of 4.00 kB) (+1)  3 s',
  );
});

test('a frame fits into its terminal', () => {
  const layers = Array.from({ length: 50 }, (_, index) => ({
    name: `layer${index}`,
    reused: false,
    shipped: true,
  }));
  const lines = frame(
    progressAfter([...events, { type: 'plan', layers, at: 0 }]),
    63_000,
    screen(30, 12),
  );
  assert.ok(lines.length < 12);
  assert.ok(lines.every(line => line.length < 30));
  assert.ok(lines.includes('  and 44 more'));
});

test('without a terminal each event is a line', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let text = '';
  let now = 0;
  const view = plainView(
    part => {
      text += textGuard().text(part);
    },
    () => now,
    0,
  );
  for (const event of events) view.take(event);
  now = 40_000;
  t.mock.timers.tick(1000);
  view.take({ type: 'build-end', derivation: drv, failed: false, layer: 'pytorch', at: 41_000 });
  view.take({ type: 'layer-realised', layer: 'pytorch', origin: 'built', at: 41_000 });
  view.take({ type: 'layer-end', layer: 'pytorch', at: 42_000 });
  view.close();
  now = 90_000;
  t.mock.timers.tick(1000);
  assert.deepEqual(text.split('\n'), [
    'Building the layers',
    'base: reused',
    'pytorch: building torch-2.9.0',
    'torch-2.9.0> compiling a',
    'Still at work: pytorch: building torch-2.9.0 (39 s); downloaded 1.00 kB of 2.00 kB',
    'pytorch: built torch-2.9.0 in 40 s',
    'pytorch: built in 40 s',
    '',
  ]);
});

test('text of builders changes neither the terminal nor a log', () => {
  const line = '\u001b[2J\u001b]0;title\u0007\r::error::x \u202ehunter2';
  const hostile: ProgressEvent[] = [
    { type: 'build-start', derivation: drv, machine: '', layer: 'pytorch', at: 0 },
    { type: 'build-log', derivation: drv, line, layer: 'pytorch', at: 0 },
  ];
  const guard = textGuard();
  guard.hide('hunter2');
  const lines = frame(progressAfter(hostile), 0, { columns: 100, rows: 24, guard });
  assert.equal(lines.at(-1), '  > \\e[2J\\e]0;title\\u0007\\r::error::x \\u202e***');
});
