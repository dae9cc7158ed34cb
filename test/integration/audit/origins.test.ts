import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../../src/record/audit.ts';
import { sourceCounts, tableCells } from '../../../src/report/audit.ts';
import { auditMarkdown } from '../../../src/report/audit-markdown.ts';
import { auditText } from '../../../src/report/audit-text.ts';
import { auditFlake } from './audited-flake.ts';

const named = ({ packages }: AuditRecord) =>
  packages.map(({ layer, name, source }) => `${layer} ${name} ${source}`);
const total = (audit: AuditRecord) => tableCells(sourceCounts(audit).total).join(' | ');

/** Image without a fault → its packages: what only runs while it is built is none. */
const clean: Record<string, readonly string[]> = {
  'clean-streamed': [
    ...['git', 'python3', 'requests', 'urllib3', 'zlib'].map(name => `comfyui ${name} nixpkgs`),
  ],
  'clean-older': ['layer0-app git nixpkgs'],
  'clean-told': ['layer0-app ffmpeg nixpkgs'],
  'clean-built': ['comfyui git nixpkgs', 'comfyui tzdata unseen'],
  'clean-now': ['comfyui git nixpkgs'],
  'clean-rooted': ['base bash nixpkgs', 'comfyui git nixpkgs'],
  'clean-own': ['layer0-app helper source'],
  'clean-in-text': ['layer0-app ffmpeg unseen', 'layer0-app zlib nixpkgs'],
};

for (const [attribute, packages] of Object.entries(clean)) {
  test(`nothing is found: ${attribute}`, async t => {
    const audit = await auditFlake(t, 'origins', attribute);
    assert.deepEqual(audit.findings, []);
    assert.deepEqual(named(audit), packages);
  });
}

/** Fault → the rule that finds it, of which layer, and what it says. */
const faults: Record<string, readonly [rule: string, layer: string, says: RegExp]> = {
  'in-text': ['network-at-build', 'layer0-app', /^helper-1\.0 runs pip install .* einops/],
  'in-text-below': ['network-at-build', 'layer0-app', /^helper-1\.0 runs curl /],
  'hash-in-text': ['fake-hash', 'layer0-app', /Comfy-Org\/ComfyUI/],
  'branch-in-text': ['unpinned-branch', 'layer0-app', /"main"/],
  'token-in-text': ['secret-in-environment', 'layer0-app', /HF_TOKEN/],
  'as-attribute': ['network-at-build', 'layer0-app', /^helper-1\.0 runs curl /],
  'by-hand': ['network-at-build', 'layer0-app', /^by-hand-1\.0 runs curl /],
  'by-hand-in-text': ['network-at-build', 'layer0-app', /^by-hand-1\.0 runs curl /],
  overridden: ['network-at-build', 'layer0-app', /^git-2\.51 runs curl /],
  'overridden-token': ['secret-in-environment', 'layer0-app', /HF_TOKEN/],
  overlay: ['network-at-build', 'layer0-app', /^python3\.12-requests-.* runs curl /],
  'overlay-below': ['network-at-build', 'layer0-app', /^python3\.12-urllib3-.* runs curl /],
  'second-input': [
    'network-at-build',
    'layer0-app',
    /^install-torch-1\.0 runs pip install .* torch/,
  ],
  tool: ['network-at-build', 'layer0-app', /^helper-1\.0 runs pip install /],
  'tool-script': ['network-at-build', 'layer0-app', /^setup runs git clone /],
  streamed: ['network-at-build', 'comfyui', /^helper-1\.0 runs curl /],
  built: ['network-at-build', 'comfyui', /^helper-1\.0 runs pip install /],
  'built-upon': ['network-at-build', 'base', /^helper-1\.0 runs curl /],
  pulled: ['pulled-image', 'nvidia-cuda-13.0.1-base', /^nvidia\/cuda is taken as others /],
  'pulled-file': ['pulled-image', 'base', /^base\.tar is taken as others /],
  'pulled-archive': ['pulled-image', 'base-1.2', /^base is taken as others /],
  'pulled-into-recipe': ['pulled-image', 'layer0-app', /^nvidia\/cuda is taken as others /],
};

for (const [fault, [rule, layer, says]] of Object.entries(faults)) {
  test(`planted: ${fault}`, async t => {
    const audit = await auditFlake(t, 'origins', fault);
    const messages = audit.findings.map(({ message }) => message).join('\n');
    assert.deepEqual([...new Set(audit.findings.map(found => found.rule))], [rule], messages);
    assert.deepEqual([...new Set(audit.findings.map(found => found.layer))], [layer]);
    assert.match(messages, says);
    const said = [JSON.stringify(audit), auditText(audit), ...auditMarkdown(audit)].join('\n');
    assert.doesNotMatch(said, /planted-value/);
  });
}

test('a package whose origin was not seen is counted in a column and named', async t => {
  const audit = await auditFlake(t, 'origins', 'clean-in-text');
  assert.equal(total(audit), 'total | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 100 %');
  assert.match(
    auditText(audit),
    /^0 packages and 1 library .*; the origin of 1 more was not seen\./,
  );
  assert.match(auditText(audit), /Origin not seen: 1 package\n +ffmpeg 8\.0\n/);
  assert.match(
    audit.unchecked.join('\n'),
    /^Whether these are nixpkgs' .*: ffmpeg\. .*passthru\.paths/m,
  );
});

test('an image that is built upon has a row, of which nothing is called reproducible', async t => {
  const audit = await auditFlake(t, 'origins', 'pulled');
  const rows = sourceCounts(audit).layers.map(tableCells);
  assert.deepEqual(
    rows.map(cells => cells.join(' | ')),
    ['nvidia-cuda-13.0.1-base | 0 | 0 | 0 | 0 | 1 | 0 | 0 | –'],
  );
  assert.match(
    auditText(audit),
    /Origin not seen: 1 package\n +nvidia\/cuda sha256:[0-9a-f]{12}\n/,
  );
});

test('what pip and curl bring is not reproducible, whatever the package is called', async t => {
  const audit = await auditFlake(t, 'origins', 'in-text');
  assert.equal(total(audit), 'total | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 0 %');
});
