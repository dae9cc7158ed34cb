import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../../src/record/audit.ts';
import { sourceCounts, tableCells } from '../../../src/report/audit.ts';
import { auditFlake } from './audited-flake.ts';

/** The rows of the table: layer, libraries, nixpkgs, wheels, sources, not seen, at build, at start, share. */
function rows(audit: AuditRecord): string[] {
  const { layers, total } = sourceCounts(audit);
  return [...layers, total].map(counts => tableCells(counts).join(' | '));
}

const rules = ({ findings }: AuditRecord) => [...new Set(findings.map(({ rule }) => rule))].sort();

test('the first approach: pip in a virtual machine', async t => {
  const audit = await auditFlake(t, 'approaches/original', 'comfyui');
  assert.deepEqual(rows(audit), [
    'comfyui-base | 6 | 3 | 0 | 0 | 0 | 0 | 0 | 100 %',
    'comfyui-pytorch | 0 | 0 | 0 | 0 | 0 | 3 | 0 | 0 %',
    'comfyui | 0 | 0 | 0 | 0 | 0 | 5 | 0 | 0 %',
    'total | 6 | 3 | 0 | 0 | 0 | 8 | 0 | 27 %',
  ]);
  assert.deepEqual(rules(audit), ['network-at-build', 'runs-as-root', 'vm-build']);
  const machines = audit.findings.filter(({ rule }) => rule === 'vm-build');
  assert.deepEqual(machines.map(({ layer }) => layer).sort(), ['comfyui', 'comfyui-pytorch']);
});

test('the second approach: everything at the first start', async t => {
  const audit = await auditFlake(t, 'approaches/simple', 'comfyui');
  assert.deepEqual(rows(audit), [
    'comfyui-simple | 6 | 2 | 0 | 0 | 0 | 0 | 10 | 17 %',
    'total | 6 | 2 | 0 | 0 | 0 | 0 | 10 | 17 %',
  ]);
  assert.deepEqual(rules(audit), ['network-at-start', 'runs-as-root', 'unpinned-branch']);
  const started = audit.packages.filter(({ source }) => source === 'start-network');
  assert.deepEqual(started.map(({ name }) => name).sort(), [
    'ComfyUI',
    ...['aiohttp', 'einops', 'kornia', 'safetensors', 'spandrel', 'torch', 'torchaudio'],
    ...['torchvision', 'transformers'],
  ]);
});

test('the third approach: layers of pinned packages', async t => {
  const audit = await auditFlake(t, 'approaches/layered', 'comfyui');
  assert.deepEqual(rows(audit), [
    'layer0-base | 4 | 0 | 0 | 0 | 0 | 0 | 0 | 100 %',
    'layer1-python | 2 | 8 | 0 | 0 | 0 | 0 | 0 | 100 %',
    'layer3-pytorch | 0 | 0 | 3 | 0 | 0 | 0 | 0 | 100 %',
    'layer4-dependencies | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 100 %',
    'layer5-performance | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 100 %',
    'layer6-app | 0 | 0 | 0 | 1 | 0 | 0 | 0 | 100 %',
    'total | 6 | 9 | 4 | 2 | 0 | 0 | 0 | 100 %',
  ]);
  assert.deepEqual(audit.findings, []);
  const sources = audit.packages.filter(({ source }) => source === 'source');
  assert.deepEqual(
    sources.map(({ name }) => name),
    ['sam-2', 'ComfyUI'],
  );
  assert.deepEqual(audit.unfree, [
    { name: 'cuda_cudart', version: '13.0.90', licence: 'CUDA EULA', layer: 'layer0-base' },
    { name: 'libcublas', version: '13.0.4.1', licence: 'CUDA EULA', layer: 'layer0-base' },
  ]);
});
