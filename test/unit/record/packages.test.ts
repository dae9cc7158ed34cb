import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packagesOf } from '../../../src/record/packages.ts';

const paths = (...names: string[]) => names.map(name => `/nix/store/${'a'.repeat(32)}-${name}`);

test('name and version are divided as Nix does it', () => {
  assert.deepEqual(
    packagesOf(
      paths(
        'glibc-2.40-66',
        'glibc-2.40-66-bin',
        'python3.13-torch-2.9.0',
        'foo-unstable-2026-01-02',
        'torch-2.9.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl',
        'hook.sh',
        'layer0-base',
        'comfyui-env',
      ),
    ),
    [
      { name: 'foo-unstable', version: '2026-01-02' },
      { name: 'glibc', version: '2.40-66' },
      { name: 'python3.13-torch', version: '2.9.0' },
      { name: 'torch', version: '2.9.0+cu130' },
    ],
  );
});

test('two versions of a package are two, and the list ends somewhere', () => {
  assert.deepEqual(packagesOf(paths('zlib-1.3', 'zlib-1.2', 'zlib-1.3')), [
    { name: 'zlib', version: '1.2' },
    { name: 'zlib', version: '1.3' },
  ]);
  const many = Array.from({ length: 2500 }, (_, at) => `p-${at}`);
  assert.equal(packagesOf(paths(...many)).length, 2000);
});
