import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../../src/record/audit.ts';
import { auditMarkdown } from '../../../src/report/audit-markdown.ts';
import { auditText } from '../../../src/report/audit-text.ts';
import { auditFlake } from './audited-flake.ts';

/** MB of what is large: of a wheel that is installed just as much as is not told. */
const sizes = {
  pytorch: 100,
  'pytorch-with-cuda': 1500,
  'torch-2.10.0': 1500,
  'libcublas-13.0.4.1': 500,
};

test('an image without a fault gives no finding', async t => {
  const { findings, packages } = await auditFlake(t, 'faults', 'clean', sizes);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    packages.map(({ name, source }) => `${name} ${source}`),
    [
      'bash nixpkgs',
      'cuda_cudart nixpkgs',
      'numpy nixpkgs',
      'python3 nixpkgs',
      'zlib nixpkgs',
      'torch wheel',
      'ComfyUI source',
    ],
  );
});

test('an image whose wheels are at the bottom, unpacked as they are fetched, gives no finding', async t => {
  const { findings, packages } = await auditFlake(t, 'faults', 'bump-proof', sizes);
  assert.deepEqual(findings, []);
  const wheels = packages.filter(({ source }) => source === 'wheel');
  assert.deepEqual(
    wheels.map(({ name, version, layer }) => `${layer} ${name} ${version}`),
    ['layer-wheels torch 2.10.0+cu130', 'layer-wheels triton 3.6.0'],
  );
});

/** Fault → what has to be found, of which layer, with what in its message. */
const faults: Record<string, { rule: string; layer: string | undefined; says: RegExp[] }> = {
  'vm-build': { rule: 'vm-build', layer: 'comfyui', says: [/docker-layer-comfyui/] },
  'sandbox-off': { rule: 'sandbox-off', layer: 'layer4-app', says: [/app/] },
  impure: { rule: 'impure', layer: 'layer4-app', says: [/app/] },
  'network-at-build': {
    rule: 'network-at-build',
    layer: 'layer3-pytorch',
    says: [/pip install .* torch, torchvision/],
  },
  'pip-download': {
    rule: 'network-at-build',
    layer: 'layer2-wheels',
    says: [/downloads runs pip download .* sageattention/],
  },
  'network-at-start': {
    rule: 'network-at-start',
    layer: 'references',
    says: [/The entry point runs pip install .* einops/],
  },
  'unpinned-branch': { rule: 'unpinned-branch', layer: 'layer4-app', says: [/"main"/] },
  'fake-hash': { rule: 'fake-hash', layer: 'layer4-app', says: [/Comfy-Org\/ComfyUI/] },
  'empty-hash': { rule: 'fake-hash', layer: 'layer4-app', says: [/Comfy-Org\/ComfyUI/] },
  'two-cuda-versions': {
    rule: 'two-cuda-versions',
    layer: undefined,
    says: [/12\.6 \(cuda_cudart in layer0-base\)/, /13\.0 \(torch 2\.10\.0\+cu130/],
  },
  'library-twice': {
    rule: 'library-twice',
    layer: 'layer2-wheels',
    says: [/torch-2\.10\.0.*\.whl is in layer2-wheels .* installed in layer3-pytorch/],
  },
  'numpy-twice': {
    rule: 'library-twice',
    layer: 'layer4-more',
    says: [/numpy .* 2\.3\.4 from nixpkgs in layer1-python; 2\.4\.0 as a wheel in layer4-more/],
  },
  'secret-in-environment': {
    rule: 'secret-in-environment',
    layer: undefined,
    says: [/HF_TOKEN/, /PROXY/],
  },
  'runs-as-root': { rule: 'runs-as-root', layer: undefined, says: [/user root/] },
  order: {
    rule: 'order',
    layer: 'layer3-pytorch',
    says: [/layer3-pytorch holds 1500 MB .* above layer0-base/],
  },
  'bump-fragile': {
    rule: 'bump-fragile',
    layer: 'layer3-pytorch',
    says: [/layer3-pytorch holds 1500 MB .*: pytorch-with-cuda \(1500 MB\)/],
  },
  'bump-fragile-cuda': {
    rule: 'bump-fragile',
    layer: 'layer0-base',
    says: [/layer0-base holds 500 MB .*: libcublas-13\.0\.4\.1 \(500 MB\)/],
  },
};

for (const [fault, { rule, layer, says }] of Object.entries(faults)) {
  test(`planted: ${fault}`, async t => {
    const audit = await auditFlake(t, 'faults', fault, sizes);
    const messages = audit.findings.map(({ message }) => message).join('\n');
    assert.deepEqual([...new Set(audit.findings.map(found => found.rule))], [rule], messages);
    assert.deepEqual([...new Set(audit.findings.map(found => found.layer))], [layer]);
    for (const what of says) assert.match(messages, what);
    assert.doesNotMatch(everythingSaid(audit), /planted-value/);
  });
}

const everythingSaid = (audit: AuditRecord) =>
  [JSON.stringify(audit), auditText(audit), ...auditMarkdown(audit)].join('\n');
