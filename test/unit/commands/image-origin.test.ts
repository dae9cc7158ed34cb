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
const evaluation = { system, locked: true, imageTag: undefined };

test('a workflow knows commit, branch and event, and the flake where in it the image is', () => {
  const installable = '.?dir=images&shallow=1#comfyui';
  const given = { ...settings, event: 'push', nix: { nixVersion: '2.34.8' } } as BuildSettings;
  const env = { GITHUB_REF_NAME: 'main', SOURCE_DATE_EPOCH: '7' };
  assert.deepEqual(originOfImage({ ...evaluation, installable }, given, env, 'a-tree'), {
    ...{ commit: 'c0ffee', dir: 'images', attribute: 'comfyui', tree: 'a-tree', locked: true },
    ...{ system, nix: '2.34.8' },
    settings: { ...decisive, sourceDateEpoch: 7 },
    ...{ branch: 'main', event: 'push' },
  });
});

test('the flake of another repository is not of the commit of this one', () => {
  const installable = 'github:o/r#comfyui';
  assert.deepEqual(originOfImage({ ...evaluation, installable }, settings, {}), {
    ...{ attribute: 'comfyui', locked: true },
    system,
    settings: { ...decisive, sourceDateEpoch: undefined },
  });
});

test("the variant is the recipe's tag, or the one that another tool gives", () => {
  const variantOf = (recipe: { tag: string } | undefined, imageTag?: string) =>
    originOfImage({ ...evaluation, installable: '.', recipe, imageTag }, settings, {}).variant;
  assert.equal(variantOf({ tag: 'cu130' }, 'other'), 'cu130');
  assert.equal(variantOf(undefined, '1.0'), '1.0');
  assert.equal(variantOf(undefined), undefined);
});

test('what is made of a folder of files is the same without a commit; of others nobody knows', () => {
  const withoutCommit = (installable: string) =>
    originOfImage({ ...evaluation, installable }, settings, {}).withoutCommit;
  assert.equal(withoutCommit('path:.#comfyui'), true);
  for (const flake of ['.#comfyui', '/work/flake', 'github:o/r']) {
    assert.equal(withoutCommit(flake), undefined, flake);
  }
});

test('an input that is not locked is told', () => {
  const image = { ...evaluation, installable: '.', locked: false };
  assert.equal(originOfImage(image, settings, {}).locked, false);
});
