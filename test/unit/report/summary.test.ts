import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildRecord, LimitRecord } from '../../../src/record/types.ts';
import { nextSteps } from '../../../src/report/next-steps.ts';
import { brokenSentences } from '../../../src/report/run-limits.ts';
import { fitted } from '../../../src/report/sections.ts';
import { summaryMarkdown } from '../../../src/report/summary.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const linesOf = (record: BuildRecord, previous?: BuildRecord) =>
  summaryMarkdown(record, previous).split('\n');

/** The sample with other numbers in its pytorch layer. */
function changed(seconds: number, size: number, packages: [name: string, version: string][]) {
  const record = sampleRecord({ startedAt: '2026-11-20T09:30:00.000Z', seconds: seconds + 1 });
  const [, , layer] = record.layers;
  assert.ok(layer?.blobs[0]);
  Object.assign(layer, { seconds, makingSeconds: seconds });
  layer.packages = packages.map(([name, version]) => ({ name, version }));
  layer.blobs = [{ ...layer.blobs[0], size, digest: `sha256:${'7'.repeat(64)}` }];
  return record;
}

const now = () => {
  const record = sampleRecord();
  const [, , layer] = record.layers;
  assert.ok(layer);
  layer.packages = [
    { name: 'torch', version: '2.9.0' },
    { name: 'triton', version: '3.5' },
  ];
  return record;
};

test('the table has what is otherwise than last time, and noise is no change', () => {
  const before = changed(200, 1_500_000_000, [
    ['torch', '2.8.0'],
    ['old', '1.0'],
  ]);
  const lines = linesOf(now(), { ...before, run: 'https://github.com/o/r/actions/runs/1' });
  assert.ok(lines.includes('| layer | origin | time |  | size |  | sent |'));
  assert.ok(
    lines.includes(
      '| `layer3-pytorch` | built | 1 min 14 s | ▼ 2 min 06 s | 2.00 GB | ▲ 502 MB | 2.00 GB |',
    ),
  );
  assert.ok(lines.includes('| `layer0-base` | reused | – |  | 1.50 MB | as before | 0 B |'));
  assert.ok(
    lines.includes(
      '▲▼ Against [the run of 2026-11-20 09:30 UTC](https://github.com/o/r/actions/runs/1). ' +
        'A host that has that image pulls 2.00 GB for this one.',
    ),
  );
  assert.ok(lines.includes('<details><summary>3 packages changed</summary>'));
  assert.ok(lines.includes('| `torch` | 2.8.0 → 2.9.0 | `layer3-pytorch` |'));
  assert.ok(lines.includes('| `triton` | added, 3.5 | `layer3-pytorch` |'));
  assert.ok(lines.includes('| `old` | removed (1.0) | `layer3-pytorch` |'));
  const alike = linesOf(now(), changed(77, 2_002_500_000, []));
  assert.ok(alike.some(line => /1 min 14 s \| as before \| 2\.00 GB \| as before/.test(line)));
});

test('what cannot be compared has no columns for it', () => {
  const summary = summaryMarkdown(now());
  assert.doesNotMatch(summary, /▲|▼|as before|changed/);
});

test('a link goes to a web page alone', () => {
  const lines = linesOf(now(), { ...changed(1, 1, []), run: 'javascript:alert(1)' });
  assert.ok(lines.some(line => line.startsWith('▲▼ Against the run of 2026-11-20 09:30 UTC.')));
});

test('a cache that is left out is told of once', () => {
  const warnings = ['Nothing is taken from https://dead.example: no answer in 5 s.', 'Other.'];
  const summary = summaryMarkdown(sampleRecord({ warnings }));
  assert.equal(summary.split('https://dead.example').length, 2);
  assert.match(summary, /^> Other\.$/m);
});

test('a limit that is broken is told of once, by its table', () => {
  const limits: LimitRecord[] = [
    { limit: 'sent < 10B', unit: 'bytes', bound: 10, found: 472, kept: false },
  ];
  const warnings = [...brokenSentences(limits), 'Other.'];
  const summary = summaryMarkdown(sampleRecord({ limits, warnings }));
  assert.match(summary, /^\| `sent < 10B` \| 472 B \| \*\*broken\*\* \|$/m);
  assert.equal(summary.split('10B').length, 2);
  assert.match(summary, /^> Other\.$/m);
});

test('an audit that found nothing takes no room', () => {
  const audit = {
    layers: [],
    packages: [],
    findings: [],
    unfree: [],
    derivations: 3,
    unchecked: [],
  };
  assert.equal(summaryMarkdown(sampleRecord({ audit })), summaryMarkdown(sampleRecord()));
});

test('the ten slowest derivations are listed, what failed among them by name', () => {
  const builtDerivations = Array.from({ length: 30 }, (_, at) => ({
    derivation: `/nix/store/${'c'.repeat(32)}-number-${at}.drv`,
    ...{ machine: '', seconds: at },
    ...(at === 29 ? { ended: 'failed' as const } : {}),
  }));
  const lines = linesOf(
    sampleRecord({ layers: [sampleLayer({ name: 'a', origin: 'failed', builtDerivations })] }),
  );
  assert.ok(lines.includes('### The 10 slowest of 30 builds'));
  assert.ok(lines.includes('| `number-29` | `a` | this machine | 29 s, failed |'));
  assert.ok(!lines.some(line => line.includes('`number-19`')));
});

test('of many layers those that were reused are one row', () => {
  const layers = Array.from({ length: 100 }, (_, at) => sampleLayer({ name: `layer${at}` }));
  layers.push(sampleLayer({ name: 'app', origin: 'built', seconds: 4 }));
  const lines = linesOf(sampleRecord({ layers }));
  assert.ok(lines.includes('| 100 more | reused | – | 0 B | 0 B |'));
  assert.ok(lines.some(line => line.startsWith('| `app` | built |')));
});

test('where there is no room, what interests least is left out, and it says so', () => {
  const sections = [
    { name: 'title', parts: ['## Title'] },
    { name: 'audit', parts: ['x'.repeat(500)], rank: 7 },
    { name: 'layers', parts: ['y'.repeat(500)], rank: 1 },
    { name: 'nothing', parts: [] },
  ];
  assert.equal(fitted(sections, 2000), `## Title\n\n${'x'.repeat(500)}\n\n${'y'.repeat(500)}\n`);
  assert.equal(
    fitted(sections, 600),
    `## Title\n\n${'y'.repeat(500)}\n\n` +
      'Left out, since a summary has little room: audit. The record has it.\n',
  );
});

test('what next: pull and run by digest, load an archive, copy a layout; no words in a shell but these', () => {
  const { image } = sampleRecord();
  assert.ok(image);
  const at = (repository: string) =>
    nextSteps(sampleRecord({ image: { ...image, repository } }))?.commands;
  const digest = `sha256:${'3'.repeat(64)}`;
  assert.deepEqual(at('ghcr.io/o/n'), [
    `docker pull ghcr.io/o/n@${digest}`,
    `docker run --gpus all --rm ghcr.io/o/n@${digest}`,
  ]);
  assert.deepEqual(at("docker-archive:/a b's"), [String.raw`docker load --input '/a b'\''s'`]);
  assert.deepEqual(at('oci:/x'), ['skopeo copy oci:/x:cu130 docker-daemon:NAME:TAG']);
  const { digest: _, ...unfinished } = image;
  assert.equal(nextSteps(sampleRecord({ image: unfinished })), undefined);
});
