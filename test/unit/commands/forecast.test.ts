import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isNamed } from '../../../src/commands/build/forecast/forbidden.ts';
import { planLayers } from '../../../src/commands/build/forecast/layers.ts';
import { foreseenLimits, refusalOfForecast } from '../../../src/commands/build/forecast/limits.ts';
import { sizeToSend } from '../../../src/commands/build/forecast/sizes.ts';
import { longestChain, ratesIn, timesIn } from '../../../src/commands/build/forecast/times.ts';
import { readRunLimits } from '../../../src/inputs/run-limits.ts';
import { parseDryRun } from '../../../src/nix/disk-needs.ts';
import type { LayerTarget, RecipeLayer } from '../../../src/nix/types.ts';
import type { BuildRecord, Forecast, LayerRecord } from '../../../src/record/types.ts';
import type { KnownBlob } from '../../../src/registry/remembered.ts';
import type { KnownImage } from '../../../src/registry/reuse.ts';
import { storeName } from '../../../src/report/units.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const path = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;
const drv = (name: string) => `${path(name)}.drv`;

/** A run that has built these, in seconds. */
const ranFor = (times: Record<string, number>, ended?: 'failed'): BuildRecord =>
  sampleRecord({
    layers: [
      sampleLayer({
        name: 'all',
        builtDerivations: Object.entries(times).map(([name, seconds]) => {
          return { derivation: drv(name), machine: '', seconds, ...(ended ? { ended } : {}) };
        }),
      }),
    ],
  });

describe('how long a build takes', () => {
  const timeOf = timesIn([
    ranFor({ 'torch-2.10': 100, app: 5 }),
    ranFor({ 'torch-2.9': 80, gcc: 7 }),
  ]);
  test('is what the newest record says of it, of its name, or of another version', () => {
    assert.equal(timeOf(drv('torch-2.10')), 100);
    assert.equal(timeOf(drv('torch-2.9')), 80);
    assert.equal(timeOf(drv('torch-2.11')), 100);
    assert.equal(timeOf(drv('gcc').replace('0', '1')), 7);
    assert.equal(timeOf(drv('torchvision-1')), undefined);
  });
  test('is not what a build took that failed', () => {
    assert.equal(timesIn([ranFor({ app: 1 }, 'failed')])(drv('app')), undefined);
  });
});

test('the longest chain counts builds that wait for each other, and unknown ones as is said', () => {
  const node = (...inputs: string[]) => ({
    outputs: new Map(),
    inputDrvs: new Map(inputs.map(input => [drv(input), ['out']] as const)),
    inputSrcs: [],
    system: '',
  });
  const graph = new Map([
    [drv('app'), node('left', 'right', 'fetched')],
    [drv('left'), node('base')],
    [drv('right'), node('base')],
    [drv('fetched'), node('behind')],
    [drv('behind'), node()],
    [drv('base'), node()],
  ]);
  const timeOf = timesIn([ranFor({ app: 1, left: 10, right: 20, base: 100, behind: 1000 })]);
  const all = new Set(['app', 'left', 'right', 'base', 'behind'].map(drv));
  assert.equal(longestChain(all, graph, timeOf, 0), 1000);
  all.delete(drv('behind'));
  assert.equal(longestChain(all, graph, timeOf, 0), 121);
  assert.equal(
    longestChain(all, graph, () => undefined, 60),
    180,
  );
  assert.equal(longestChain(new Set(), graph, timeOf, 60), 0);
});

test('a deep graph does not exhaust the stack', () => {
  const names = Array.from({ length: 20_000 }, (_, at) => drv(`p${at}`));
  const graph = new Map(
    names.map((name, at) => {
      const input = names[at + 1];
      const inputDrvs = new Map(input ? [[input, ['out']]] : []);
      return [name, { outputs: new Map(), inputDrvs, inputSrcs: [], system: '' }];
    }),
  );
  assert.equal(
    longestChain(new Set(names), graph, () => 1, 0),
    20_000,
  );
});

test('rates are those of the newest run that did something worth the word', () => {
  const span = (kind: 'substitute' | 'upload', start: number, seconds: number) => ({
    kind,
    start,
    seconds,
  });
  const little = sampleRecord({ spans: [span('upload', 0, 1)], sentBytes: 100, downloadBytes: 0 });
  const much = sampleRecord({
    spans: [span('upload', 0, 2), span('upload', 1, 3), span('substitute', 9, 1)],
    sentBytes: 40_000_000,
    downloadBytes: 5_000_000,
  });
  assert.deepEqual(ratesIn([little, much]), { fetch: 5_000_000, send: 10_000_000 });
  assert.deepEqual(ratesIn([little]), { fetch: undefined, send: undefined });
});

describe('a layer comes from', () => {
  const layer = (name: string, image = true): LayerTarget => ({
    ...{ name, image, drvPath: drv(name), outputName: 'out', outPath: path(name) },
  });
  const planned = (
    parts: { reused?: string[]; needed?: string[]; here?: string[]; said?: string | undefined },
    record?: BuildRecord,
  ) =>
    planLayers({
      layers: [layer('a'), layer('b'), layer('sources', false)],
      reused: new Set(parts.reused),
      needed: new Set(parts.needed?.map(path)),
      here: new Set(parts.here?.map(path)),
      needs: parts.said === undefined ? undefined : parseDryRun(parts.said),
      layerOf: drvPath => ({ patch: 'sources', a: 'a' })[storeName(drvPath)] ?? 'b',
      timeOf: () => undefined,
      record,
      images: [],
      isMade: () => false,
    });
  const states = (parts: Parameters<typeof planned>[0]) =>
    planned(parts).map(({ name, state }) => `${name}: ${state}`);
  const builds = (...names: string[]) =>
    `these derivations will be built:\n${names.map(name => `  ${drv(name)}\n`).join('')}`;
  const fetches = (...names: string[]) =>
    `these paths will be fetched (1.00 MiB download, 2.00 MiB unpacked):\n${names.map(name => `  ${path(name)}\n`).join('')}`;

  test('the registry, the store, a cache or a build', () => {
    assert.deepEqual(states({ reused: ['a'], needed: ['b'], said: builds('b') }), [
      'a: registry',
      'b: build',
    ]);
    assert.deepEqual(states({ needed: ['a', 'b'], here: ['a'], said: fetches('b') }), [
      'a: store',
      'b: cache',
    ]);
  });
  test('nobody knows where, while it depends on others or Nix cannot say', () => {
    assert.deepEqual(states({ needed: ['a'], said: builds('a') }), ['a: build', 'b: open']);
    assert.deepEqual(states({ needed: ['a', 'b'] }), ['a: open', 'b: open']);
  });
  test('one that is not shipped is told of where something is built for it', () => {
    assert.deepEqual(states({ reused: ['a', 'b'], said: builds('patch') }), [
      ...['a: registry', 'b: registry', 'sources: build'],
    ]);
  });
  test('and takes the bytes of last time; where there was none, at least nothing', () => {
    const blobs = [{ size: 7 }] as unknown as LayerRecord['blobs'];
    const record = sampleRecord({ layers: [sampleLayer({ name: 'b', blobs })] });
    assert.deepEqual(
      planned({ needed: ['a', 'b'], said: builds('a', 'b') }, record).map(({ send }) => send),
      [
        { bytes: 0, estimated: false, atLeast: true },
        { bytes: 7, estimated: true, atLeast: false },
      ],
    );
  });
});

describe('of a layer of several targets', () => {
  const output = (name: string) => ({ drvPath: drv(name), outputName: 'out', outPath: path(name) });
  const blob = (size: number, ...names: string[]) =>
    ({ digest: `sha256:${size}`, size, paths: names.map(path) }) as unknown as KnownBlob;
  const interpreter = blob(1000, 'python-3.12.1');
  const python = [
    blob(100, 'scipy-1'),
    blob(40, 'glibc-1'),
    blob(7, 'python-3.12.1-env', 'numpy-2'),
  ];
  const shared = blob(3, 'yarl-1', 'attrs-1');
  const image = {
    outputs: [
      { outPath: path('python-3.12.1'), blobs: [interpreter] },
      { outPath: path('python-3.12.1-env'), blobs: python },
      { outPath: path('yarl-1'), blobs: [] },
      { outPath: path('attrs-1'), blobs: [] },
    ],
    blobs: [interpreter, ...python, shared],
  } as unknown as KnownImage;
  const send = (missing: string[], ...made: string[]) => {
    const targets = missing.map(output);
    const still = new Set(made.map(path));
    return sizeToSend({ name: 'python', image: true, targets } as RecipeLayer, targets, {
      ...{ record: undefined, images: [image], isMade: each => still.has(each) },
    });
  };
  const about = (bytes: number) => ({ bytes, estimated: true, atLeast: false });

  test('what is the same in blobs of a target that is split is not sent; more may be in them', () => {
    const changed = send(['python-3.12.2-env'], 'glibc-1', 'numpy-2');
    assert.deepEqual(changed, { ...about(107), atLeast: true });
    assert.deepEqual(send(['python-3.12.2-env']), about(147));
  });
  test('a blob that targets share is sent once', () => {
    assert.deepEqual(send(['yarl-2', 'attrs-1'], 'attrs-1'), about(3));
  });
  test('of a target whose blobs are gone all are sent, of a new one nothing is known', () => {
    assert.deepEqual(send(['python-3.12.1-env'], 'glibc-1'), about(147));
    assert.deepEqual(send(['one-more-1']), { bytes: 0, estimated: false, atLeast: true });
  });
});

describe('a forbidden build', () => {
  const cases: [pattern: string, name: string, isMeant: boolean][] = [
    ['torch', 'torch-2.10.0', true],
    ['torch', 'python3.13-torch-2.10.0', true],
    ['torch', 'torchvision-0.25', false],
    ['torch', 'torch-2.10.0.drv-wrapper', true],
    ['xformers*', 'xformers-0.0.33', true],
    ['xformers*', 'python3.13-xformers-0.0.33', true],
    ['*-cuda*', 'nccl-cuda13-2.28', true],
    ['nccl-2.28', 'nccl-2.28', true],
    ['nccl-2.2', 'nccl-2.28', false],
    ['g++', 'g++', true],
    ['a?c', 'abc', true],
    ['a.c', 'abc', false],
  ];
  for (const [pattern, name, isMeant] of cases) {
    test(`${pattern} means ${isMeant ? '' : 'not '}${name}`, () => {
      assert.equal(isNamed(drv(name), pattern), isMeant);
    });
  }
});

describe('limits of what is foreseen', () => {
  const bytes = (count: number) => ({ bytes: count, estimated: false, atLeast: false });
  const forecast: Forecast = {
    ...{ layers: 3, layersToMake: 2, builds: 4, fetchBytes: 200, unknownTimes: 0, seconds: 600 },
    ...{ send: bytes(100), pull: bytes(300) },
  };
  const limitsOf = (line: string, of = forecast) =>
    foreseenLimits(of, readRunLimits('limits', [line]));
  const refused = (line: string, of = forecast) => refusalOfForecast(limitsOf(line, of))?.message;
  test('are broken by time, by bytes that are sent, pulled and fetched', () => {
    assert.match(
      refused('build-time < 10m') ?? '',
      /build-time < 10m would be broken: it would be 10 min 00 s/,
    );
    assert.match(refused('sent < 100B') ?? '', /would be 100 B/);
    assert.match(refused('pull < 300B') ?? '', /would be 300 B/);
    assert.match(refused('fetched < 200B') ?? '', /would be 200 B/);
  });
  test('are kept by less, and by what is not known', () => {
    assert.equal(refused('build-time <= 10m'), undefined);
    assert.equal(refused('image-size < 1B'), undefined);
    assert.deepEqual(limitsOf('image-size < 1B'), [
      { limit: 'image-size < 1B', unit: 'bytes', bound: 1, kept: true },
    ]);
    const { seconds: _, ...unknown } = forecast;
    assert.equal(refused('build-time < 1s', unknown), undefined);
  });
});
