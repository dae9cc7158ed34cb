import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { fitted } from '../../../src/cli/fit.ts';
import { frame } from '../../../src/cli/frame.ts';
import { plainView, quietView } from '../../../src/cli/plain.ts';
import { openPrinter } from '../../../src/cli/printer.ts';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { type Progress, trackProgress } from '../../../src/record/progress.ts';

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const printer = openPrinter({ stdout: nowhere(), stderr: nowhere(), colours: false });

/** A frame as a terminal without colours gets it. */
const drawn = (progress: Progress, now: number, columns: number, rows: number) =>
  frame(progress, now, { columns, rows }).map(line =>
    printer.line(line, pieces => fitted(pieces, columns)),
  );

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
  {
    type: 'counts',
    built: { done: 12, expected: 41 },
    fetched: { done: 3, expected: 9 },
    at: 2000,
  },
];

function progressAfter(list: readonly ProgressEvent[]) {
  const tracker = trackProgress(0);
  for (const event of list) tracker.take(event);
  return tracker.progress;
}

test('a frame shows how far the run is, the open layers and what a builder said last', () => {
  assert.deepEqual(drawn(progressAfter(events), 63_000, 120, 24), [
    'Building the layers · 1 min 03 s · 1 of 3 layers · 12 of 41 built · 3 of 9 fetched · 1.0 of 2.00 kB',
    '  pytorch  building torch-2.9.0  1 min 02 s',
    '  app      waiting',
    '  torch-2.9.0> compiling a',
  ]);
});

test('the time that is left is told by the rate of the last half minute', () => {
  const arrived = [0, 10, 20, 30].map(
    (seconds): ProgressEvent => ({
      type: 'download',
      done: seconds * 1_000_000,
      expected: 150_000_000,
      at: seconds * 1000,
    }),
  );
  const [head] = drawn(progressAfter(arrived), 30_000, 100, 24);
  assert.equal(head, 'Working · 30 s · 30 of 150 MB · about 2 min left');
  const [stalled] = drawn(progressAfter(arrived), 60_000, 100, 24);
  assert.equal(stalled, 'Working · 1 min 00 s · 30 of 150 MB · about 4 min left');
});

test('a layer that sends says how far it is, before what else it does', () => {
  const progress = progressAfter([
    ...events,
    { type: 'transfer-start', layer: 'pytorch', blob: 0, uncompressedSize: 4000, at: 50_000 },
    { type: 'transfer-progress', layer: 'pytorch', blob: 0, read: 2000, sent: 900, at: 60_000 },
  ]);
  assert.equal(
    drawn(progress, 60_000, 80, 24)[2],
    '  pytorch  sending 900 B, 50 % read, about 10 s left (+1)  10 s',
  );
});

const many = Array.from({ length: 70 }, (_, index) => `layer${index}`);
const planned: ProgressEvent = {
  type: 'plan',
  layers: many.map(name => ({ name, reused: false, shipped: true })),
  at: 0,
};

for (const [columns, rows] of [
  [40, 10],
  [80, 24],
  [200, 60],
  [20, 3],
] as const) {
  test(`in ${columns} × ${rows} a frame fits, and begins with the layers that work`, () => {
    const work: ProgressEvent[] = ['layer7', 'layer48'].map((layer, at) => ({
      ...{ type: 'build-start', derivation: `/nix/store/${at}.drv`, machine: '', layer, at: 1000 },
      type: 'build-start',
    }));
    const lines = drawn(progressAfter([planned, ...work]), 63_000, columns, rows);
    assert.ok(lines.length < rows, `${lines.length} lines`);
    assert.ok(lines.every(line => stringWidth(line) < columns));
    const names = lines.flatMap(line => /layer\d+/.exec(line)?.[0] ?? []);
    const seen = ['layer7', 'layer48', 'layer0', 'layer1', 'layer2', 'layer3'];
    assert.deepEqual(names.slice(0, 6), seen.slice(0, Math.max(1, names.length)));
    if (rows > 3) assert.match(lines.join('\n'), /^ {2}and \d+ more that wait$/m);
  });
}

test('wide characters take two columns', () => {
  const piece = (text: string) =>
    fitted([{ text }], 10)
      .map(each => each.text)
      .join('');
  assert.equal(piece('日本語日本語'), '日本語日…');
  assert.equal(piece('123456789'), '123456789');
  assert.equal(piece('1234567890'), '12345678…');
});

test('without a terminal each event is a line', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let text = '';
  let now = 0;
  const view = plainView(
    (part, look) => {
      text += printer.shown(part, look);
    },
    () => now,
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
    'Still at work: 12 of 41 built, 3 of 9 fetched, 1.0 of 2.00 kB',
    '  pytorch: building torch-2.9.0 (39 s, silent for 38 s): compiling a',
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
  printer.hide('hunter2');
  const lines = drawn(progressAfter(hostile), 0, 100, 24);
  assert.equal(lines.at(-1), '  torch-2.9.0> \\e[2J\\e]0;title\\u0007\\r::error::x \\u202e***');
});

test('a builder that says nothing for five minutes is warned of, once', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const warnings: string[] = [];
  let now = 0;
  const view = plainView(
    text => {
      if (text.startsWith('warning: ')) warnings.push(text);
    },
    () => now,
  );
  for (const event of events.slice(0, 5)) view.take(event);
  const said = [300_000, 302_000, 900_000].map(at => {
    now = at;
    t.mock.timers.tick(1000);
    return warnings.length;
  });
  view.close();
  assert.deepEqual(said, [0, 1, 1]);
  assert.equal(
    warnings[0],
    'warning: pytorch: torch-2.9.0 has said nothing for 5 min. Its last line: \u001b[31mcompiling\u001b[0m a. ' +
      'Compilers and linkers may be at work; a line `--nix-conf max-silent-time = 1800` ends what stays silent.\n',
  );
});

test('a quiet run tells warnings alone, in the words of the command line', () => {
  let text = '';
  const view = quietView(part => {
    text += part;
  });
  for (const event of events) view.take(event);
  view.take({ type: 'notice', message: 'n', at: 0 });
  view.take({ type: 'warning', message: 'Set `reuse: false`.', at: 0 });
  assert.equal(text, 'warning: Set `--no-reuse`.\n');
});
