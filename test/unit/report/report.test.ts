import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../src/record/audit.ts';
import { layersOutput, timingsOutput } from '../../../src/report/layers.ts';
import { failureMarkdown, summaryMarkdown } from '../../../src/report/summary.ts';
import { layerTable } from '../../../src/report/table.ts';
import { formatBytes, formatSeconds, storeName } from '../../../src/report/units.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

test('sizes have three digits and the unit that fits', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [12_340, '12.3 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [2_002_000_000, '2.00 GB'],
    [15_000_000_000_000, '15.0 TB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

test('times are as exact as people need', () => {
  const cases: [number, string][] = [
    [0, '0 s'],
    [0.04, '0.04 s'],
    [3.21, '3.2 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.6, '1 h 00 min'],
    [7321, '2 h 02 min'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatSeconds(seconds), text);
});

test('store paths are shown by their names', () => {
  const hash = '0123456789abcdfghijklmnpqrsvwxyz';
  assert.equal(storeName(`/nix/store/${hash}-python3-3.13.1.drv`), 'python3-3.13.1');
  assert.equal(storeName('comfyui'), 'comfyui');
});

test('the table shows each layer, the totals, and where the image is', () => {
  assert.deepEqual(layerTable(sampleRecord()).split('\n'), [
    'layer           origin         time     size     sent',
    'layer0-base     reused          0 s  1.50 MB      0 B',
    'layer2-wheels   skipped         0 s        -      0 B',
    'layer3-pytorch  built    1 min 14 s  2.00 GB  2.00 GB',
    'total                    1 min 15 s  2.00 GB  2.00 GB',
    '',
    'cache                    use        result',
    'https://cache.nixos.org  read       12 paths, 1.24 GB',
    "GitHub's cache           restored   layer2-wheels: hit, layer3-pytorch: miss",
    'mine                     pushed to  1 path',
    's3://bucket              pushed to  3 paths, 2 failed (torch: HTTP 413, and more)',
    'https://dead.example     left out   no answer in 5 s',
    '',
    'Disk in use at most: 34.2 GB of 84.0 GB at /nix/store (12.1 GB more than at the start); ' +
      'removed: CodeQL, .NET.',
    '',
    `ghcr.io/o/comfyui@sha256:${'3'.repeat(64)}  (cu130, latest)`,
    'Its layers are zstd: pulling needs Docker 23 or newer, containerd 1.5, podman 4. ' +
      'For older ones set `compression: gzip`.',
  ]);
});

test('the text says nothing of what there is none of', () => {
  const { caches: _, disk: _1, image, ...record } = sampleRecord({ layers: [] });
  const { digest: _2, ...unpushed } = image ?? assert.fail();
  assert.equal(layerTable({ ...record, image: unpushed }), '');
  assert.doesNotMatch(summaryMarkdown({ ...record, image: unpushed }), /ghcr/);
  const layers = [sampleLayer({ name: 'app', origin: 'failed' })];
  assert.match(layerTable({ ...record, layers }), /^total +1 min 15 s +- +2\.00 GB$/m);
  const audit = {
    layers: [],
    derivations: 1,
    packages: [],
    unfree: [],
    unchecked: [],
    findings: [runsAsRoot],
  };
  assert.equal(
    layerTable({ ...record, image: unpushed, audit }),
    'The audit found 1 warning: runs-as-root. comfy-nix audit says what to do.',
  );
});

const runsAsRoot: Finding = {
  rule: 'runs-as-root',
  severity: 'warning',
  message: 'It runs as root.',
  cost: 'Much.',
  advice: 'Set User.',
};

test('the summary has a row for each layer and says what zstd needs', () => {
  const summary = summaryMarkdown(sampleRecord());
  assert.match(summary, /^## \.\\#comfyui in 1 min 15 s$/m);
  assert.match(summary, /^\| `layer3-pytorch` \| built \| 1 min 14 s \| 2\.00 GB \| 2\.00 GB \|$/m);
  assert.match(summary, /^\| \*\*total\*\* \|/m);
  assert.match(summary, /^\| `torch-2\.9\.0` \| `layer3-pytorch` \|/m);
  assert.match(summary, /Docker 23 or newer, containerd 1\.5, podman 4/);
});

test('the summary tells what caches and the disk did, and names each machine that built', () => {
  const [, , layer] = sampleRecord().layers;
  assert.ok(layer);
  const [local] = layer.builtDerivations;
  assert.ok(local);
  const remote = { ...local, machine: 'ssh-ng://builder' };
  const builtDerivations = [local, remote, remote];
  const summary = summaryMarkdown(sampleRecord({ layers: [{ ...layer, builtDerivations }] }));
  assert.match(summary, /^\| `https:\/\/cache\.nixos\.org` \| read \| 12 paths, 1\.24 GB \|$/m);
  assert.match(summary, /^\| `s3:\/\/bucket` \| pushed to \| 3 paths, 2 failed .*HTTP 413/m);
  assert.match(summary, /^\| `GitHub's cache` \| restored \| layer2-wheels: hit, layer3/m);
  assert.match(summary, /^\| `https:\/\/dead\.example` \| left out \| no answer in 5 s \|$/m);
  assert.match(summary, /^Disk in use at most: 34\.2 GB of .*removed: CodeQL, \.NET\.$/m);
  assert.match(summary, /\| ssh-ng:\/\/builder \| 1 min 02 s \|$/m);
  assert.match(summary, /\| this machine \| 1 min 02 s \|$/m);
  assert.match(summary, /^Derivations built: 1 on this machine, 2 on ssh-ng:\/\/builder\.$/m);
});

test('a run that caches and the disk played no part in says nothing of them', () => {
  const { caches: _caches, disk: _disk, ...record } = sampleRecord();
  for (const text of [summaryMarkdown(record), layerTable(record)]) {
    assert.doesNotMatch(text, /cache|Disk|Derivations built/);
  }
});

test('code from a fork: the summary says what was left out, for the registry and for caches', () => {
  const notCached = 'Caches are only read: the code comes from other/comfy.';
  const summary = summaryMarkdown(sampleRecord({ notPushed: 'Nothing is pushed.', notCached }));
  assert.match(summary, /^> Nothing is pushed\.$/m);
  assert.match(summary, /^> Caches are only read: the code comes from other\/comfy\.$/m);
});

test('without zstd, or without a push, there is no word on zstd', () => {
  assert.doesNotMatch(summaryMarkdown(sampleRecord({ layers: [] })), /Docker 23/);
  const { digest: _, ...image } = sampleRecord().image ?? assert.fail();
  assert.doesNotMatch(summaryMarkdown(sampleRecord({ image })), /Docker 23/);
});

test('a failure is shown as it is, and cannot end its fence', () => {
  const failure = 'layer3: broke\n```\n# not a heading';
  const summary = summaryMarkdown(sampleRecord({ outcome: 'failure', failure }));
  assert.match(summary, /^## \.\\#comfyui failed after/m);
  assert.ok(summary.includes(`\n\`\`\`\`text\n${failure}\n\`\`\`\`\n`));
  assert.ok(failureMarkdown(failure).includes(`\n\`\`\`\`text\n${failure}\n\`\`\`\`\n`));
});

test('names from a flake stay text in Markdown', () => {
  const layer = sampleLayer({ name: 'a|b`c\n## d' });
  const summary = summaryMarkdown(
    sampleRecord({ layers: [layer], warnings: ['<img src=x>\n# e'], flake: '[x](y)' }),
  );
  assert.match(summary, /^\| `a\\\|b'c ## d` \| reused/m);
  assert.doesNotMatch(summary, /[^\\]<img|^# e|[^\\]\[x/m);
});

test('the outputs for later steps', () => {
  assert.deepEqual(layersOutput(sampleRecord())[2], {
    name: 'layer3-pytorch',
    origin: 'built',
    seconds: 74,
    size: 2_002_000_000,
    sent: 2_002_000_000,
  });
  assert.deepEqual(timingsOutput(sampleRecord()), { evaluate: 0.4, realise: 62, total: 75.25 });
});
