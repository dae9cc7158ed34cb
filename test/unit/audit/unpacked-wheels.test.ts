import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceCounts } from '../../../src/report/audit.ts';
import { auditOf, nixpkgs, outPath, type Written, wheel } from './image.ts';

const torchFile = 'torch-2.14.1%2Bcu130-cp313-cp313-manylinux_2_28_x86_64.whl';
/** A wheel that is fetched and unpacked in one step. */
const torch = wheel(torchFile, true);

function audited(
  written: Record<string, Written>,
  made?: Record<string, readonly string[]>,
  sizes: Record<string, readonly string[]> = {},
) {
  const closures = new Map(
    Object.entries(sizes).map(([layer, names]) => [
      layer,
      names.map(name => ({ path: outPath(name), narSize: 2_000_000 })),
    ]),
  );
  return auditOf(
    { 'stdenv-linux': {}, ...written },
    { User: '1000' },
    { closures, ...(made ? { made } : {}) },
  );
}
const named = ({ packages }: ReturnType<typeof auditOf>) =>
  packages.map(({ layer, name, version, source }) => [layer, name, version, source].join(' '));

test('a wheel that is unpacked as it is fetched is a wheel, with its version, and reproducible', () => {
  const audit = audited({ 'torch-2.14.1': torch }, { pytorch: ['torch-2.14.1'] });
  assert.deepEqual(named(audit), ['pytorch torch 2.14.1+cu130 wheel']);
  assert.equal(sourceCounts(audit).total.reproducible, 1);
  assert.deepEqual(audit.findings, []);
});

test('several in one layer are counted each, whatever else the layer has', () => {
  const audit = audited(
    {
      'torch-2.14.1': torch,
      'nvidia-nccl-cu13-2.28.9': wheel('nvidia_nccl_cu13-2.28.9-py3-none-any.whl', true),
      bytecode: {
        inputs: ['stdenv-linux', 'torch-2.14.1'],
        env: { buildCommand: 'python3 -m compileall' },
      },
    },
    { pytorch: ['torch-2.14.1', 'nvidia-nccl-cu13-2.28.9', 'bytecode'] },
  );
  assert.deepEqual(named(audit), [
    'pytorch nvidia-nccl-cu13 2.28.9 wheel',
    'pytorch torch 2.14.1+cu130 wheel',
  ]);
});

test('a wheel that one derivation fetches and a fixed-output one unpacks is that wheel, once', () => {
  const audit = audited(
    {
      'torch.whl': wheel(torchFile),
      'torch-2.14.1': {
        inputs: ['stdenv-linux', 'torch.whl'],
        env: { src: outPath('torch.whl'), outputHash: 'sha256-x', outputHashMode: 'nar' },
      },
    },
    { pytorch: ['torch-2.14.1'] },
  );
  assert.deepEqual(named(audit), ['pytorch torch 2.14.1+cu130 wheel']);
});

test('what unpacks it is not in the image: a fixed output refers to nothing', () => {
  const audit = audited(
    {
      python: nixpkgs('python3', '3.13', ['stdenv-linux']),
      'torch-2.14.1': {
        inputs: [...(torch.inputs ?? []), 'python'],
        env: { ...torch.env, buildCommand: `${outPath('python')}/bin/python3 unpack.py` },
      },
    },
    { pytorch: ['torch-2.14.1'] },
  );
  assert.deepEqual(named(audit), ['pytorch torch 2.14.1+cu130 wheel']);
});

test('a folder of links to it has it installed; it is there once', () => {
  const audit = audited(
    {
      'torch-2.14.1': torch,
      links: { inputs: ['torch-2.14.1'], env: { buildCommand: 'ln -s' } },
      patched: { inputs: ['torch-2.14.1'], env: { buildCommand: 'python3 -m installer --check' } },
    },
    { pytorch: ['links'], app: ['patched'] },
  );
  assert.deepEqual(audit.findings, []);
});

test('a script that unpacks a wheel installs it, whatever it is called', () => {
  const audit = audited(
    {
      'torch.whl': wheel(torchFile),
      tree: {
        inputs: ['torch.whl'],
        env: { buildCommand: `python3 ${outPath('unpack-wheel.py')}` },
      },
      other: { inputs: ['torch.whl'], env: { buildCommand: 'pip install --no-index' } },
    },
    { pytorch: ['tree'], app: ['other'] },
  );
  assert.deepEqual(audit.findings, []);
});

test('a wheel of a compiler or a build tool is a package that was chosen, and no leftover', () => {
  const written = {
    'cmake-4.1.2': wheel('cmake-4.1.2-py3-none-manylinux_2_17_x86_64.whl', true),
    cmake: { inputs: ['stdenv-linux'], env: { pname: 'cmake', version: '4.1' } },
  };
  const messages = (name: string) =>
    audited(written, { tools: [name] }, { tools: [name] }).findings.map(({ message }) => message);
  assert.deepEqual(messages('cmake-4.1.2'), []);
  assert.deepEqual(messages('cmake'), ['tools holds compilers, 2 MB: cmake.']);
});
