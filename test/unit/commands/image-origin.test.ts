import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originOfImage } from '../../../src/commands/build/image-origin.ts';
import type { BuildSettings } from '../../../src/inputs/settings.ts';

const settings = {
  ...{ compression: 'zstd', maxLayerSize: 1000, labels: { a: 'b' }, nix: {} },
  annotations: { 'org.opencontainers.image.revision': 'c0ffee' },
} as unknown as BuildSettings;
const decisive = { compression: 'zstd', maxLayerSize: 1000, labels: { a: 'b' } };
const system = 'x86_64-linux';

test('a workflow knows commit, branch and event, and the flake where in it the image is', () => {
  const installable = '.?dir=images&shallow=1#comfyui';
  const given = { ...settings, event: 'push', nix: { nixVersion: '2.34.8' } } as BuildSettings;
  const env = { GITHUB_REF_NAME: 'main', SOURCE_DATE_EPOCH: '7' };
  assert.deepEqual(originOfImage({ installable, system }, given, env), {
    ...{ commit: 'c0ffee', dir: 'images', attribute: 'comfyui', system, nix: '2.34.8' },
    settings: { ...decisive, sourceDateEpoch: 7 },
    ...{ branch: 'main', event: 'push' },
  });
});

test('the flake of another repository is not of the commit of this one', () => {
  const installable = 'github:o/r#comfyui';
  assert.deepEqual(originOfImage({ installable, system }, settings, {}), {
    attribute: 'comfyui',
    system,
    settings: { ...decisive, sourceDateEpoch: undefined },
  });
});
