import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerBuffer } from '../../../src/action/buffer.ts';
import { actionLog } from '../../../src/action/log.ts';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { recordingToolkit } from './toolkit.ts';

function logOf(events: readonly ProgressEvent[]) {
  const toolkit = recordingToolkit();
  const log = actionLog(toolkit, 0);
  for (const event of events) log.take(event);
  return { calls: toolkit.calls, log };
}

const drv = (name: string) => `/nix/store/${'a'.repeat(32)}-${name}.drv`;

function building(layer: string, name: string, at: number): ProgressEvent[] {
  return [
    { type: 'build-start', derivation: drv(name), machine: '', layer, at },
    { type: 'build-log', derivation: drv(name), line: `line of ${name}`, layer, at },
  ];
}

test('layers that build at once come as one folded block each, when they are done', () => {
  const { calls } = logOf([
    ...building('one', 'a', 1000),
    ...building('two', 'b', 2000),
    { type: 'build-end', derivation: drv('b'), failed: false, layer: 'two', at: 4000 },
    { type: 'build-end', derivation: drv('a'), failed: false, layer: 'one', at: 5000 },
    { type: 'layer-realised', layer: 'two', origin: 'built', at: 5000 },
    { type: 'transfer-start', layer: 'two', blob: 0, at: 5000 },
    { type: 'transfer-end', layer: 'two', blob: 0, transfer: 'uploaded', size: 1000, at: 6000 },
    { type: 'layer-end', layer: 'two', at: 6000 },
    { type: 'layer-end', layer: 'one', at: 7000 },
  ]);
  assert.deepEqual(calls, [
    'group two: built in 3 s, sent 1.00 kB',
    'info building b',
    'info b> line of b',
    'info built b in 2 s',
    'info blob 0: uploaded, 1.00 kB',
    'endgroup',
    'group one: done in 4 s',
    'info building a',
    'info a> line of a',
    'info built a in 4 s',
    'endgroup',
  ]);
});

test('what failed is not folded, and comes at the end when its layer never ends', () => {
  const { calls, log } = logOf([
    ...building('one', 'a', 1000),
    { type: 'build-end', derivation: drv('a'), failed: true, layer: 'one', at: 2000 },
  ]);
  assert.deepEqual(calls, []);
  log.finish(2000);
  assert.deepEqual(calls, [
    'info one',
    'info building a',
    'info a> line of a',
    'info FAILED a in 1 s',
  ]);
});

test('a layer that is not shipped is told of at the end', () => {
  const { calls, log } = logOf([
    { type: 'plan', layers: [{ name: 'one', reused: false, shipped: false }], at: 0 },
    ...building('one', 'a', 1000),
    { type: 'build-end', derivation: drv('a'), failed: false, layer: 'one', at: 3000 },
    { type: 'layer-realised', layer: 'one', origin: 'built', at: 3000 },
  ]);
  log.finish(9000);
  assert.equal(calls[0], 'group one: built in 2 s');
});

test('a reused layer takes one line', () => {
  const { calls } = logOf([
    { type: 'plan', layers: [{ name: 'one', reused: true, shipped: true }], at: 0 },
    { type: 'layer-end', layer: 'one', at: 0 },
  ]);
  assert.deepEqual(calls, ['info The registry holds already: one', 'info one: reused']);
});

test('warnings are annotations, notices are lines', () => {
  const { calls } = logOf([
    { type: 'warning', message: 'w', at: 0 },
    { type: 'notice', message: 'n', at: 0 },
  ]);
  assert.deepEqual(calls, ['warning w', 'info n']);
});

test('after half a minute of silence a line says what runs', () => {
  const { calls, log } = logOf(building('one', 'a', 1000));
  log.tick(29_000);
  assert.deepEqual(calls, []);
  log.tick(31_000);
  assert.deepEqual(calls, [
    'info Still at work\n  one: building a (30 s, silent for 30 s): line of a',
  ]);
  log.tick(60_000);
  assert.equal(calls.length, 1);
  log.tick(61_000);
  assert.equal(calls.length, 2);
});

test('sent and downloaded bytes are part of the sign of life', () => {
  const { calls, log } = logOf([
    { type: 'transfer-start', layer: 'one', blob: 0, uncompressedSize: 4000, at: 0 },
    { type: 'transfer-progress', layer: 'one', blob: 0, read: 2000, sent: 1000, at: 10_000 },
    { type: 'download', done: 5, expected: 10, at: 10_000 },
  ]);
  log.tick(30_000);
  assert.deepEqual(calls, [
    'info Still at work: 5 of 10 B\n  one: sending 1.00 kB, 50 % read, about 30 s left (30 s)',
  ]);
});

test('a builder that says nothing for five minutes is warned of, once', () => {
  const { calls, log } = logOf(building('one', 'a', 1000));
  log.tick(300_000);
  log.tick(301_000);
  log.tick(400_000);
  const warnings = calls.filter(call => call.startsWith('warning'));
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /^warning one: a has said nothing for 5 min\. Its last line: line of a\./,
  );
});

test('a layer keeps its last lines and says how many are missing', () => {
  const buffer = layerBuffer();
  for (let line = 0; line < 25_000; line++) buffer.add(String(line));
  const lines = buffer.lines();
  const [note, first] = lines;
  assert.equal(lines.at(-1), '24999');
  assert.ok(lines.length <= 10_001);
  assert.equal(note, `(${first} lines left out)`);
});
