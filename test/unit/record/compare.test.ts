import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRecords } from '../../../src/record/compare.ts';
import { sumUp } from '../../../src/record/sums.ts';
import type { BuildRecord, LayerRecord } from '../../../src/record/types.ts';
import { sampleLayer, sampleRecord } from './sample.ts';

const blob = (digit: string, size: number): LayerRecord['blobs'][number] => ({
  digest: `sha256:${digit.repeat(64)}`,
  diffId: `sha256:${digit.repeat(64)}`,
  size,
  uncompressedSize: 2 * size,
  mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
  transfer: 'uploaded',
});

const record = (layers: Parameters<typeof sampleLayer>[0][], more: Partial<BuildRecord> = {}) =>
  sampleRecord({ layers: layers.map(sampleLayer), ...more });

test('a host with the image before pulls the blobs that it has not, each once', () => {
  const before = record([{ name: 'a', blobs: [blob('1', 5_000_000), blob('2', 7)] }]);
  const now = record([
    { name: 'a', blobs: [blob('1', 5_000_000), blob('3', 70)] },
    { name: 'b', blobs: [blob('3', 70), blob('2', 7), blob('4', 900)] },
  ]);
  const { pullBytes, layers, removedLayers } = compareRecords(before, now);
  assert.equal(pullBytes, 970);
  assert.deepEqual(
    layers.map(({ name, isChanged, size }) => [name, isChanged, size]),
    [
      ['a', true, { before: 5_000_007, now: 5_000_070, asBefore: true }],
      ['b', true, { before: undefined, now: 977, asBefore: false }],
    ],
  );
  assert.deepEqual(removedLayers, []);
  assert.deepEqual(compareRecords(now, before).removedLayers, ['b']);
});

const times: [before: number, now: number, asBefore: boolean][] = [
  [100, 104.9, true],
  [100, 106, true],
  [100, 110, false],
  [100, 80, false],
  [10, 14.9, true],
  [10, 15, false],
];
for (const [before, now, asBefore] of times) {
  test(`${now} s after ${before} s ${asBefore ? 'are' : 'are not'} as before`, () => {
    const of = (seconds: number) =>
      record([{ name: 'a', origin: 'built', makingSeconds: seconds }], { seconds });
    const compared = compareRecords(of(before), of(now));
    assert.deepEqual(compared.seconds, { before, now, asBefore });
    assert.deepEqual(compared.layers[0]?.making, { before, now, asBefore });
  });
}

test('the time of a layer is compared where this run has made it', () => {
  const before = record([{ name: 'a', origin: 'reused', makingSeconds: 60 }, { name: 'b' }]);
  const now = record([
    { name: 'a', origin: 'substituted', makingSeconds: 20 },
    { name: 'b', origin: 'reused', makingSeconds: 3 },
    { name: 'c', origin: 'built', makingSeconds: 3 },
  ]);
  assert.deepEqual(
    compareRecords(before, now).layers.map(({ making }) => making),
    [
      { before: 60, now: 20, asBefore: false },
      undefined,
      { before: undefined, now: 3, asBefore: false },
    ],
  );
});

test('packages are added, removed and updated, wherever they have moved', () => {
  const of = (name: string, ...versions: [string, string][]) => ({
    name,
    packages: versions.map(([name, version]) => ({ name, version })),
  });
  const before = record([
    of('base', ['glibc', '2.40'], ['zlib', '1.2'], ['zlib', '1.3']),
    of('app', ['jq', '1.7'], ['tini', '0.19']),
  ]);
  const now = record([
    of('base', ['glibc', '2.41'], ['zlib', '1.3'], ['tini', '0.19']),
    of('app', ['curl', '8.1']),
  ]);
  assert.deepEqual(compareRecords(before, now).packages, {
    added: [{ name: 'curl', layer: 'app', to: '8.1' }],
    removed: [{ name: 'jq', layer: 'app', from: '1.7' }],
    updated: [
      { name: 'glibc', layer: 'base', from: '2.40', to: '2.41' },
      { name: 'zlib', layer: 'base', from: '1.2, 1.3', to: '1.3' },
    ],
  });
});

test('a layer of which one run does not know its packages has lost none', () => {
  const known = record([{ name: 'a', packages: [{ name: 'jq', version: '1' }] }]);
  const nothing = { added: [], removed: [], updated: [] };
  assert.deepEqual(compareRecords(known, record([{ name: 'a' }])).packages, nothing);
  assert.deepEqual(compareRecords(record([{ name: 'a' }]), known).packages, nothing);
});

test('a run without an image tells nothing of sizes and of what is pulled', () => {
  const failed = record([{ name: 'a' }], { outcome: 'failure' });
  for (const [before, now] of [
    [failed, record([])],
    [record([]), failed],
  ] as const) {
    const { pullBytes, size } = compareRecords(before, now);
    assert.deepEqual([pullBytes, size], [undefined, undefined]);
  }
});

test('a run is summed up in the numbers of one sentence', () => {
  const sums = sumUp(sampleRecord({ savedSeconds: 540 }));
  assert.deepEqual(sums, {
    layers: 2,
    reused: 1,
    made: [{ name: 'layer3-pytorch', seconds: 74 }],
    failed: [],
    cancelled: [],
    sentBytes: 2_002_000_000,
    imageBytes: 2_003_500_000,
    movedTags: 2,
    savedSeconds: 540,
  });
});

test('a layer that failed and one that was given up are named', () => {
  const { image: _, ...failed } = record(
    [
      { name: 'a', origin: 'failed' },
      { name: 'b', origin: 'cancelled' },
    ],
    { outcome: 'failure' },
  );
  const { failed: broken, cancelled, imageBytes, movedTags, savedSeconds } = sumUp(failed);
  assert.deepEqual(
    { broken, cancelled, imageBytes, movedTags, savedSeconds },
    {
      broken: ['a'],
      cancelled: ['b'],
      imageBytes: undefined,
      movedTags: 0,
      savedSeconds: undefined,
    },
  );
});

test('a package of which somebody else says that there are very many versions', () => {
  const packages = Array.from({ length: 100_000 }, (_, at) => ({
    name: 'torch',
    version: `${at}`,
  }));
  const before = sampleRecord({ layers: [sampleLayer({ name: 'a', packages })] });
  const now = sampleRecord({ layers: [sampleLayer({ name: 'a', packages: [] })] });
  const [removed] = compareRecords(before, now).packages.removed;
  assert.equal(removed?.from?.split(', ').length, 100_000);
});
