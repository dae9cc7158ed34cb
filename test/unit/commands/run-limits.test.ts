import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limitRecords, refusal, tellLimits } from '../../../src/commands/build/run-limits.ts';
import { Failure } from '../../../src/host/failure.ts';
import { readRunLimits } from '../../../src/inputs/run-limits.ts';
import type { BuildSettings } from '../../../src/inputs/settings.ts';
import type { BuildRecord, LayerRecord } from '../../../src/record/types.ts';
import { limitsMarkdown } from '../../../src/report/run-limits.ts';
import { quietHost } from '../../tools/host.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const blob = (digit: string, size: number): LayerRecord['blobs'][number] => ({
  digest: `sha256:${digit.repeat(64)}`,
  diffId: `sha256:${digit.repeat(64)}`,
  ...{ size, uncompressedSize: size, transfer: 'present' },
  mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
});

/** A run that has made an image of these layers, in bytes. */
function run(sizes: Record<string, number>, changes: Partial<BuildRecord> = {}): BuildRecord {
  const layers = Object.entries(sizes).map(([name, size]) =>
    sampleLayer({ name, blobs: [blob(((size / 100) % 16).toString(16), size)] }),
  );
  const { image } = sampleRecord();
  const size = Object.values(sizes).reduce((sum, each) => sum + each, 0);
  return sampleRecord({ layers, ...(image ? { image: { ...image, size } } : {}), ...changes });
}

const all = [
  ...['image-size < 1kB', 'layer-growth < 200B', 'pull < 500 B'],
  ...['sent < 1 kB', 'fetched < 1 kB', 'build-time < 30s'],
];
const limits = readRunLimits('limits', all);
const before = run({ base: 300, app: 400 });
const quiet = { sentBytes: 0, downloadBytes: 0, seconds: 29 };
const brokenOf = (record: BuildRecord, previous?: BuildRecord) =>
  limitRecords(limits, record, previous)
    .filter(({ kept }) => !kept)
    .map(({ limit, found, layer }) => [limit, found, layer]);

describe('a limit is broken', () => {
  const cases: [string, BuildRecord, [string, number, string?][]][] = [
    ['by none of what is below', run({ base: 300, app: 400 }, quiet), []],
    [
      'by the size of the image',
      run({ base: 300, app: 400, x: 300 }, quiet),
      [
        ['image-size < 1kB', 1000],
        ['layer-growth < 200B', 300, 'x'],
      ],
    ],
    [
      'by a layer that has grown',
      run({ base: 300, app: 600 }, quiet),
      [
        ['layer-growth < 200B', 200, 'app'],
        ['pull < 500 B', 600],
      ],
    ],
    ['by no layer that has become less', run({ base: 300, app: 200 }, quiet), []],
    [
      'by what was sent',
      run({ base: 300, app: 400 }, { ...quiet, sentBytes: 1000 }),
      [['sent < 1 kB', 1000]],
    ],
    [
      'by what Nix has fetched',
      run({ base: 300, app: 400 }, { ...quiet, downloadBytes: 2000 }),
      [['fetched < 1 kB', 2000]],
    ],
    [
      'by the time it took',
      run({ base: 300, app: 400 }, { ...quiet, seconds: 30 }),
      [['build-time < 30s', 30]],
    ],
  ];
  for (const [name, record, broken] of cases) {
    test(name, () => {
      const expected = broken.map(([limit, found, layer]) => [limit, found, layer]);
      assert.deepEqual(brokenOf(record, before), expected);
    });
  }

  test('not by its bound where that is within it', () => {
    const [limit] = limitRecords(
      readRunLimits('limits', ['sent <= 1 kB']),
      run({}, { sentBytes: 1000 }),
      undefined,
    );
    assert.equal(limit?.kept, true);
  });
});

describe('what is not known breaks no limit, and is said', () => {
  const said = (record: BuildRecord, previous?: BuildRecord) => {
    const host = quietHost();
    const held = { ...record, limits: limitRecords(limits, record, previous) };
    tellLimits(held, { limitsMode: 'fail' } as BuildSettings, host);
    return host.events.flatMap(event => (event.type === 'notice' ? [event.message] : []));
  };

  test('growth without a run before', () => {
    const [notice, ...more] = said(run({ base: 300, app: 400 }, quiet));
    assert.match(
      notice ?? '',
      /^Not known, and so not broken: layer-growth < 200B, pull < 500 B\./,
    );
    assert.deepEqual(more, []);
  });

  test('the size of an image that was not pushed', () => {
    const { image: _, ...record } = run({ base: 2000 }, quiet);
    assert.match(
      said(record, before).join(),
      /image-size < 1kB, layer-growth < 200B, pull < 500 B/,
    );
  });
});

describe('a broken limit', () => {
  const record = run({ base: 300, app: 900 }, quiet);
  const held = { ...record, limits: limitRecords(limits, record, before) };

  test('is a warning each', () => {
    const host = quietHost();
    tellLimits(held, { limitsMode: 'warn' } as BuildSettings, host);
    assert.deepEqual(host.warnings, [
      'The limit image-size < 1kB is broken: it is 1.20 kB, and 1.00 kB is the limit.',
      'The limit layer-growth < 200B is broken: it is 500 B of app, and 200 B is the limit.',
      'The limit pull < 500 B is broken: it is 900 B, and 500 B is the limit.',
    ]);
  });

  test('keeps tags where they are, where it is known before they move', () => {
    const failure = refusal(held);
    assert.match(failure?.message ?? '', /image-size < 1kB is broken.*layer-growth.*pull/);
    assert.equal(failure?.details.tried, 'No tag was moved.');
    assert.equal(refusal(record), undefined);
  });

  test('fails a run whose tags have moved, where it is known only then', () => {
    assert.throws(
      () => tellLimits(held, { limitsMode: 'fail' } as BuildSettings, quietHost()),
      error => error instanceof Failure && error.details.tried === 'The tags had moved by then.',
    );
  });

  test('is a row of the summary', () => {
    const [table] = limitsMarkdown(held);
    assert.match(table ?? '', /\| `image-size < 1kB` \| 1\.20 kB \| \*\*broken\*\* \|/);
    assert.match(table ?? '', /\| `layer-growth < 200B` \| 500 B \(`app`\) \| \*\*broken\*\* \|/);
    assert.match(table ?? '', /\| `sent < 1 kB` \| 0 B \| kept \|/);
    assert.deepEqual(limitsMarkdown(record), []);
  });
});
