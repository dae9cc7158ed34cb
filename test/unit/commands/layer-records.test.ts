import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  layerRecords,
  type MadeLayer,
  savedTime,
} from '../../../src/commands/build/record/layer-records.ts';
import type { ProgressEvent } from '../../../src/host/events.ts';
import type { Evaluation } from '../../../src/nix/types.ts';
import { recordEvents } from '../../../src/record/recorder.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const storePath = (name: string) => `/nix/store/${'a'.repeat(32)}-${name}`;

/** An image of these layers; one whose name begins with "no" is not shipped. */
const evaluationOf = (...names: string[]) =>
  ({
    recipe: {
      layers: names.map(name => ({
        ...{ name, image: !name.startsWith('no'), outputName: 'out' },
        ...{ drvPath: storePath(`${name}.drv`), outPath: storePath(name) },
      })),
    },
  }) as unknown as Evaluation;

interface Run {
  events?: readonly ProgressEvent[];
  outcome?: BuildRecord['outcome'];
  made?: readonly MadeLayer[];
  before?: BuildRecord;
}

function recordsOf(names: readonly string[], { events = [], made = [], before, ...more }: Run) {
  const recorder = recordEvents(0);
  for (const event of events) recorder.take(event);
  return layerRecords({
    evaluation: evaluationOf(...names),
    made: new Map(made.map(layer => [layer.name, layer])),
    works: recorder.result(9000).layers,
    outcome: 'failure',
    before: before ? [sampleRecord({ layers: [] }), before] : [],
    ...more,
  });
}

const originsOf = (names: readonly string[], run: Run) =>
  recordsOf(names, run).map(({ origin }) => origin);

const begin = (layer: string, name = layer): ProgressEvent => ({
  ...{ type: 'build-start', derivation: storePath(`${name}.drv`), machine: '', layer, at: 1000 },
});
const end = (layer: string, failed: boolean, name = layer): ProgressEvent => ({
  ...{ type: 'build-end', derivation: storePath(`${name}.drv`), failed, layer, at: 2000 },
});
const plan = (...reused: string[]): ProgressEvent => ({
  type: 'plan',
  layers: ['a', 'b', 'c', 'no'].map(name => {
    return { name, reused: reused.includes(name), shipped: name !== 'no' };
  }),
  at: 500,
});

test('a layer whose build failed has failed, and those that it kept from being begun are cancelled', () => {
  const events = [plan('a'), begin('b'), end('b', true)];
  assert.deepEqual(originsOf(['a', 'b', 'c', 'no'], { events }), [
    ...['reused', 'failed', 'cancelled', 'skipped'],
  ]);
});

test('what a layer is built from belongs to it, also where it fails', () => {
  const events = [plan(), begin('b', 'torch'), end('b', true, 'torch')];
  assert.deepEqual(originsOf(['a', 'b', 'c', 'no'], { events })[1], 'failed');
});

test('what was under way when another one failed is cancelled, what was done by then is not', () => {
  const events = [plan(), begin('a'), end('a', false), begin('b'), begin('c'), end('c', true)];
  const records = recordsOf(['a', 'b', 'c', 'no'], { events });
  assert.deepEqual(
    records.slice(0, 3).map(({ origin, builtDerivations: [built] }) => [origin, built?.ended]),
    [
      ['built', undefined],
      ['cancelled', 'cancelled'],
      ['failed', 'failed'],
    ],
  );
});

const sending: ProgressEvent[] = [
  { type: 'layer-realised', layer: 'a', origin: 'built', at: 1000 },
  { type: 'transfer-start', layer: 'a', blob: 0, at: 1000 },
  { type: 'transfer-progress', layer: 'a', blob: 0, read: 70, sent: 30, at: 1500 },
];

for (const ended of ['failed', 'cancelled'] as const) {
  test(`a layer whose transfer has ${ended} has ${ended}`, () => {
    const told = { kind: 'upload', layer: 'a', ended, startedAt: 1000, at: 1600 } as const;
    const [layer] = recordsOf(['a'], { events: [...sending, { type: 'span', ...told }] });
    assert.deepEqual(
      [layer?.origin, layer?.readBytes, layer?.packedBytes, layer?.sentBytes],
      [ended, 70, 0, 0],
    );
  });
}

test('before there is a plan, no layer of a cancelled run was begun', () => {
  assert.deepEqual(originsOf(['a', 'no'], { outcome: 'cancelled' }), ['cancelled', 'skipped']);
});

test('a layer that a successful run did not need is skipped', () => {
  assert.deepEqual(originsOf(['no'], { outcome: 'success' }), ['skipped']);
});

const blob = {
  ...{ digest: 'sha256:1', diffId: 'sha256:1', size: 1, uncompressedSize: 2, key: 'k' },
  ...{ mediaType: 'm', paths: [storePath('jq-1.7.1')], transfer: 'present' as const },
};
const madeLayer = (name: string, origin: MadeLayer['origin'], reused?: number): MadeLayer => ({
  ...{ name, target: null, origin, blobs: [blob] },
  ...(reused === undefined ? {} : { targets: { all: 3, reused } }),
});

test('what making took is told by the run that did it, and by those after it', () => {
  const events = ['a', 'b', 'c'].flatMap(name => [begin(name), end(name, false)]);
  const names = ['a', 'b', 'c', 'd'];
  const before = sampleRecord({
    layers: names.map(name => sampleLayer({ name, makingSeconds: 60 })),
  });
  const made = [
    madeLayer('a', 'built'),
    madeLayer('b', 'built', 2),
    madeLayer('c', 'local'),
    madeLayer('d', 'reused'),
  ];
  const timesOf = (run: Run) =>
    recordsOf(names, { events, made, outcome: 'success', ...run }).map(each => each.makingSeconds);
  assert.deepEqual(timesOf({ before }), [1, 60, 60, 60]);
  assert.deepEqual(timesOf({}), [1, undefined, 1, undefined]);
});

test('a layer has the packages of its blobs', () => {
  const [layer] = recordsOf(['a'], { made: [madeLayer('a', 'reused')], outcome: 'success' });
  assert.deepEqual(layer?.packages, [{ name: 'jq', version: '1.7.1' }]);
});

test('the time that was saved is known where that of all reused layers is', () => {
  const { blobs } = sampleRecord().layers[0] ?? assert.fail();
  const reused = (makingSeconds?: number) =>
    sampleLayer({ name: 'x', blobs, ...(makingSeconds === undefined ? {} : { makingSeconds }) });
  assert.deepEqual(savedTime([reused(60), reused(0.5)]), { savedSeconds: 60.5 });
  assert.deepEqual(savedTime([reused(60), reused()]), {});
  assert.deepEqual(savedTime([sampleLayer({ name: 'y', origin: 'built', makingSeconds: 4 })]), {});
});
