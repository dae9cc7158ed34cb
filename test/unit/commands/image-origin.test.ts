import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSought, originOfImage, soughtOrigin } from '../../../src/commands/build/image-origin.ts';
import type { BuildSettings } from '../../../src/inputs/settings.ts';
import { source } from '../../tools/remembered-commit.ts';

const settings = {
  ...{ compression: 'zstd', maxLayerSize: 1000, labels: { a: 'b' }, nix: { installNix: 'auto' } },
  ...{ repositoryLabels: {}, overrideInputs: [], acceptFlakeConfig: false },
  annotations: { 'org.opencontainers.image.revision': 'c0ffee' },
} as unknown as BuildSettings;
const decisive = { format: 2, compression: 'zstd', maxLayerSize: 1000, labels: { a: 'b' } };
const system = 'x86_64-linux';
const evaluation = { system, locked: true, imageTag: undefined };

test('a workflow knows commit, branch and event, and the flake where in it the image is', () => {
  const installable = '.?dir=images&shallow=1#comfyui';
  const nix = { installNix: 'auto', nixVersion: '2.34.8' };
  const given = { ...settings, event: 'push', nix } as BuildSettings;
  const env = { GITHUB_REF_NAME: 'main', SOURCE_DATE_EPOCH: '7' };
  assert.deepEqual(originOfImage({ ...evaluation, installable }, given, env), {
    ...{ commit: 'c0ffee', dir: 'images', attribute: 'comfyui', locked: true },
    ...{ system, nix: '2.34.8' },
    settings: { ...decisive, sourceDateEpoch: 7 },
    ...{ branch: 'main', event: 'push' },
  });
});

test('what git says of commit and folder wins, and has a tree', () => {
  const placeOf = (installable: string, folder: string) => {
    const seen = { source: { ...source, folder } };
    const { commit, tree, dir } = originOfImage({ ...evaluation, installable }, settings, {}, seen);
    return { commit, tree, dir };
  };
  const git = { commit: 'c1', tree: 't1' };
  assert.deepEqual(placeOf('.#a', ''), { ...git, dir: undefined });
  assert.deepEqual(placeOf('./images#a', 'images'), { ...git, dir: 'images' });
  assert.deepEqual(placeOf('.?dir=images#a', ''), { ...git, dir: 'images' });
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
  const created = '1970-01-01T00:00:01Z';
  const variantOf = (recipe: { tag: string; created: string } | undefined, imageTag?: string) =>
    originOfImage({ ...evaluation, installable: '.', recipe, imageTag }, settings, {}).variant;
  assert.equal(variantOf({ tag: 'cu130', created }, 'other'), 'cu130');
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

/** What a run remembers, and another one seeks; each with changes. */
function sought(changes: {
  evaluated?: object;
  remembered?: Partial<BuildSettings>;
  asked?: Partial<BuildSettings>;
  flake?: object;
  seen?: Parameters<typeof originOfImage>[3];
  source?: Partial<typeof source>;
}): boolean {
  const evaluated = { ...evaluation, installable: '.#comfyui', ...changes.evaluated };
  const before = { ...settings, ...changes.remembered } as BuildSettings;
  const row = originOfImage(
    evaluated,
    before,
    { GITHUB_REF_NAME: 'main' },
    changes.seen ?? { source },
  );
  const now = { ...settings, event: 'schedule', ...changes.asked } as BuildSettings;
  const flake = { folder: '.', attribute: 'comfyui', ...changes.flake };
  const here = { ...source, ...changes.source };
  const remembered = JSON.parse(JSON.stringify(row));
  return isSought(remembered, soughtOrigin(flake, here, now, {}, system));
}

test('the image of a commit is known by all that decides it, and by nothing else', () => {
  assert.equal(sought({}), true);
  assert.equal(
    sought({ remembered: { labels: { b: '1', a: '2' } }, asked: { labels: { a: '2', b: '1' } } }),
    true,
  );
  const others: Record<string, Parameters<typeof sought>[0]> = {
    'another commit': { source: { commit: 'c2', tree: 't2' } },
    'another commit with the same files': { source: { commit: 'c2' } },
    'a commit that git did not say': { seen: {}, source: { commit: 'c0ffee' } },
    'another folder': { source: { folder: 'images' } },
    'another dir': { flake: { dir: 'images' } },
    'another attribute': { flake: { attribute: 'default' } },
    'another system': { evaluated: { system: 'aarch64-linux' } },
    'an input that is not locked': { evaluated: { locked: false } },
    'created now': { evaluated: { recipe: { tag: 'a', created: 'now' } } },
    'another version of Nix': { asked: { nix: { installNix: 'auto', nixVersion: '2.34.8' } } },
    'another kind of Nix': { asked: { nix: { installNix: 'system' } } },
    'a release of another place': {
      asked: { nix: { installNix: 'auto', nixReleaseUrl: 'https://x/' } },
    },
    'another compression': { asked: { compression: 'gzip' } },
    'another depth of the clone': { source: { isShallow: true } },
    'other labels': { asked: { repositoryLabels: { source: 'x' } } },
    'settings of the flake': { remembered: { acceptFlakeConfig: true } },
    'an input that was overridden': {
      remembered: { overrideInputs: [{ input: 'a', flake: 'b' }] },
    },
  };
  for (const [what, changes] of Object.entries(others)) assert.equal(sought(changes), false, what);
});

test('another commit with the same files counts where none was needed, and nothing makes them otherwise', () => {
  const other = { commit: 'c2' };
  assert.equal(sought({ seen: { source, withoutCommit: true }, source: other }), true);
  assert.equal(sought({ seen: { source, withoutCommit: false }, source: other }), false);
  const notPlain = { ...other, isPlain: false };
  assert.equal(sought({ seen: { source, withoutCommit: true }, source: notPlain }), false);
  const otherTree = { ...other, tree: 't2' };
  assert.equal(sought({ seen: { source, withoutCommit: true }, source: otherTree }), false);
});
