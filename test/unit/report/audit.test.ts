import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord, Finding, PackageRecord } from '../../../src/record/audit.ts';
import { findingCounts, groupFindings, percent, sourceCounts } from '../../../src/report/audit.ts';
import { auditMarkdown } from '../../../src/report/audit-markdown.ts';
import { auditText } from '../../../src/report/audit-text.ts';
import { summaryMarkdown } from '../../../src/report/summary.ts';
import { layerTable } from '../../../src/report/table.ts';
import { sampleRecord } from '../record/sample.ts';

const package_ = (
  layer: string,
  name: string,
  source: PackageRecord['source'],
  python = true,
): PackageRecord => ({ layer, name, source, python });

const finding = (more: Partial<Finding>): Finding => ({
  rule: 'runs-as-root',
  severity: 'warning',
  message: 'It runs as root.',
  cost: 'A cost.',
  advice: 'An advice.',
  ...more,
});

const audit: AuditRecord = {
  layers: [
    { name: 'layer0-base', shipped: true },
    { name: 'layer2-wheels', shipped: false },
    { name: 'layer3-pytorch', shipped: true },
    { name: 'references', shipped: true },
  ],
  packages: [
    package_('layer0-base', 'bash', 'nixpkgs', false),
    package_('layer3-pytorch', 'torch', 'wheel'),
    package_('layer3-pytorch', 'numpy', 'nixpkgs'),
    package_('layer3-pytorch', 'a|b', 'build-network'),
    package_('layer3-pytorch', 'ffmpeg', 'unseen', false),
  ],
  findings: [
    finding({
      rule: 'vm-build',
      severity: 'error',
      message: 'One <b>VM</b>.',
      layer: 'layer3-pytorch',
    }),
    finding({
      rule: 'vm-build',
      severity: 'error',
      message: 'Another VM in layer0-base.',
      layer: 'layer0-base',
    }),
    finding({}),
  ],
  unfree: [{ name: 'cudnn', version: '9', licence: 'unfree', layer: 'layer0-base' }],
  derivations: 12,
  unchecked: ['Not all was looked at.'],
};

test('libraries of nixpkgs are counted apart and do not make an image look pinned', () => {
  const { layers, total } = sourceCounts(audit);
  assert.deepEqual(
    [...layers, total].map(({ layer, libraries, chosen, reproducible }) => [
      layer,
      libraries,
      chosen,
      reproducible,
    ]),
    [
      ['layer0-base', 1, 0, 1],
      ['layer3-pytorch', 0, 3, 2 / 3],
      ['total', 1, 3, 2 / 3],
    ],
  );
});

test('only all is 100 %, and only none is 0 %', () => {
  assert.deepEqual([0, 0.001, 0.4167, 0.999, 1].map(percent), [
    '0 %',
    '1 %',
    '42 %',
    '99 %',
    '100 %',
  ]);
});

test('findings that share cost and advice are told together, the place where it is not said', () => {
  assert.deepEqual(
    groupFindings(audit.findings).map(({ rule, messages }) => [rule, ...messages]),
    [
      ['vm-build', 'One <b>VM</b>. (layer3-pytorch)', 'Another VM in layer0-base.'],
      ['runs-as-root', 'It runs as root.'],
    ],
  );
  assert.equal(findingCounts(audit.findings), '2 errors and 1 warning');
  assert.equal(findingCounts([]), undefined);
});

test('the text has table, tree, findings, licences and what was not looked at', () => {
  const lines = auditText(audit).split('\n');
  for (const line of [
    '3 packages and 1 library of nixpkgs, 67 % reproducible; the origin of 1 more was not seen.',
    'layer3-pytorch          0        1       1        0         1         1         0          67 %',
    '├─ Pre-fetched wheels: 1 package (33 %)',
    '├─ Origin not seen: 1 package',
    '└─ Over the network when the image is built: 1 package (33 %)',
    'error: vm-build',
    '  Costs: A cost.',
    '  unfree: cudnn',
    'Not all was looked at.',
  ]) {
    assert.ok(lines.includes(line), `${line}\n\n${lines.join('\n')}`);
  }
  assert.ok(lines.every(line => line.length <= 100));
});

test('an audit without findings says so', () => {
  const clean = auditText({ ...audit, findings: [], unfree: [], unchecked: [] });
  assert.match(clean, /Nothing was found that will hurt\.\n$/);
});

test('names and messages are no Markdown', () => {
  const markdown = auditMarkdown(audit).join('\n\n');
  assert.match(markdown, /\| `layer3-pytorch` \| 0 \| 1 \| 1 \| 0 \| 1 \| 1 \| 0 \| 67 % \|/);
  assert.match(markdown, /a\\\|b/);
  assert.match(markdown, /One \\<b\\>VM\\<\/b\\>/);
});

test('the report of a build holds the audit', () => {
  const record = { ...sampleRecord(), audit };
  assert.match(summaryMarkdown(record), /### Where packages come from/);
  assert.match(
    layerTable(record),
    /3 packages and 1 library of nixpkgs, 67 % reproducible; the origin of 1 more was not seen\./,
  );
  assert.match(layerTable(record), /found 2 errors and 1 warning: vm-build, runs-as-root/);
  assert.doesNotMatch(summaryMarkdown(sampleRecord()), /packages come from/);
});
