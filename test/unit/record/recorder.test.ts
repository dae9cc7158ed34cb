import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { busyTime } from '../../../src/record/intervals.ts';
import { program } from '../../../src/record/program.ts';
import { recordEvents } from '../../../src/record/recorder.ts';

function record(events: readonly ProgressEvent[], now: number) {
  const recorder = recordEvents(1000);
  for (const event of events) recorder.take(event);
  return recorder.result(now);
}

test('the union of intervals is what lies under any of them', () => {
  const spans = fc.array(fc.tuple(fc.nat(200), fc.nat(50)), { maxLength: 12 });
  fc.assert(
    fc.property(spans, list => {
      const covered = new Set<number>();
      for (const [from, length] of list) {
        for (let at = from; at < from + length; at++) covered.add(at);
      }
      const edges = list
        .flatMap(([from, length], id) => [
          { at: from, id, begins: true },
          { at: from + length, id, begins: false },
        ])
        .sort((a, b) => a.at - b.at || Number(b.begins) - Number(a.begins));
      const busy = busyTime();
      for (const { at, id, begins } of edges) (begins ? busy.begin : busy.end)(id, at);
      assert.equal(busy.total(1000), covered.size);
    }),
  );
});

test('phases are placed from the start of the run, and an open one lasts until now', () => {
  const { phases, seconds } = record(
    [
      { type: 'phase-start', phase: 'evaluate', at: 1000 },
      { type: 'phase-end', phase: 'evaluate', at: 1400 },
      { type: 'phase-start', phase: 'realise', at: 1500 },
    ],
    4000,
  );
  assert.deepEqual(phases, [
    { phase: 'evaluate', start: 0, seconds: 0.4 },
    { phase: 'realise', start: 0.5, seconds: 2.5 },
  ]);
  assert.equal(seconds, 3);
});

test("a layer's seconds are the union of building, fetching and sending", () => {
  const layer = 'layer3';
  const { layers } = record(
    [
      { type: 'build-start', derivation: '/a.drv', machine: '', layer, at: 1000 },
      { type: 'substitute-start', path: '/p', cache: 'c', layer, at: 2000 },
      { type: 'build-end', derivation: '/a.drv', failed: false, layer, at: 3000 },
      { type: 'substitute-end', path: '/p', layer, at: 4000 },
      { type: 'layer-realised', layer, origin: 'built', at: 4000 },
      { type: 'transfer-start', layer, blob: 0, at: 6000 },
      { type: 'transfer-progress', layer, blob: 0, read: 20, sent: 3, at: 6200 },
      { type: 'transfer-end', layer, blob: 0, transfer: 'uploaded', size: 7, at: 6500 },
    ],
    9000,
  );
  assert.deepEqual(layers.get(layer), {
    origin: 'built',
    seconds: 3.5,
    builtDerivations: [{ derivation: '/a.drv', machine: '', seconds: 2 }],
    substitutedPaths: ['/p'],
    planned: undefined,
    failed: false,
    sending: false,
    downloadBytes: 0,
    readBytes: 20,
    packedBytes: 20,
    sentBytes: 7,
  });
});

test('a remote build that shows twice is one, on its machine', () => {
  const layer = 'l';
  const derivation = '/a.drv';
  const { layers } = record(
    [
      { type: 'build-start', derivation, machine: 'ssh-ng://builder', layer, at: 1000 },
      { type: 'build-start', derivation, machine: '', layer, at: 1500 },
      { type: 'build-end', derivation, failed: false, layer, at: 3000 },
      { type: 'build-end', derivation, failed: false, layer, at: 3500 },
    ],
    5000,
  );
  assert.deepEqual(layers.get(layer)?.builtDerivations, [
    { derivation, machine: 'ssh-ng://builder', seconds: 2.5 },
  ]);
});

test('downloads are apportioned to what is being fetched, and none is lost', () => {
  const { layers } = record(
    [
      { type: 'substitute-start', path: '/a', cache: 'c', layer: 'one', at: 1000 },
      { type: 'download', done: 100, expected: 500, at: 1100 },
      { type: 'substitute-start', path: '/b', cache: 'c', layer: 'two', at: 1200 },
      { type: 'download', done: 201, expected: 500, at: 1300 },
      { type: 'substitute-end', path: '/a', layer: 'one', at: 1400 },
      { type: 'substitute-end', path: '/b', layer: 'two', at: 1400 },
      { type: 'download', done: 211, expected: 500, at: 1500 },
    ],
    2000,
  );
  assert.deepEqual(
    ['one', 'two'].map(name => layers.get(name)?.downloadBytes),
    [151, 60],
  );
});

test('a path counts for the substituter that gave it, with or without a layer', () => {
  const fetch = (path: string, cache: string, narSize?: number): ProgressEvent[] => [
    { type: 'substitute-start', path, cache, at: 1000 },
    { type: 'substitute-end', path, ...(narSize === undefined ? {} : { narSize }), at: 1100 },
  ];
  const { substituters } = record(
    [
      ...fetch('/a', 'https://one', 10),
      ...fetch('/b', 'https://one'),
      ...fetch('/b', 'https://two', 200),
      ...fetch('/c', 'https://one', 3),
      ...fetch('/d', 'https://three'),
    ],
    2000,
  );
  assert.deepEqual(substituters, [
    { cache: 'https://one', paths: 2, narSize: 13 },
    { cache: 'https://two', paths: 1, narSize: 200 },
  ]);
});

test('only what was uploaded counts as sent; warnings are kept once', () => {
  const { sentBytes, warnings, layers } = record(
    [
      {
        type: 'plan',
        layers: [
          { name: 'a', reused: true, shipped: true },
          { name: 'b', reused: false, shipped: true },
        ],
        at: 1000,
      },
      { type: 'transfer-end', layer: 'b', blob: 0, transfer: 'uploaded', size: 10, at: 1000 },
      { type: 'transfer-end', layer: 'b', blob: 1, transfer: 'mounted', size: 20, at: 1000 },
      { type: 'transfer-end', layer: 'a', blob: 0, transfer: 'present', size: 40, at: 1000 },
      { type: 'warning', message: 'w', at: 1000 },
      { type: 'warning', message: 'w', at: 1000 },
    ],
    2000,
  );
  assert.equal(sentBytes, 10);
  assert.deepEqual(warnings, ['w']);
  assert.deepEqual([...layers.keys()], ['a', 'b']);
});

test('the version is that of package.json', () => {
  const url = new URL('../../../package.json', import.meta.url);
  const { name, version, bin } = JSON.parse(readFileSync(url, 'utf8'));
  assert.equal(program.version, version);
  assert.deepEqual([name, Object.keys(bin)], ['comfy-nix-action', [program.name]]);
});
