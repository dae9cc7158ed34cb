import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planFirst } from '../../../src/commands/build/plan.ts';
import { blobKey, rootKey } from '../../../src/image/keys.ts';
import type { DerivationOutput, LayerTarget, Recipe } from '../../../src/nix/types.ts';
import type { Evidence } from '../../../src/registry/evidence.ts';
import type { KnownBlob, RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { rememberedOutput } from '../../tools/remembered.ts';

const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';
const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;

function output(name: string): DerivationOutput {
  return { drvPath: `${storePath(name)}.drv`, outputName: 'out', outPath: storePath(name) };
}

function layer(name: string, image = true): LayerTarget {
  return { ...output(name), name, image };
}

function recipe(layers: LayerTarget[], parts: Partial<Recipe> = {}): Recipe {
  return {
    name: 'comfyui',
    tag: 'cu130',
    layers,
    root: [],
    folders: [],
    directories: [],
    config: {},
    referredOutputs: [],
    referredSources: [],
    created: '1970-01-01T00:00:01Z',
    ...parts,
  };
}

let made = 0;
function blob(paths: string[], key = blobKey(paths)): KnownBlob {
  made += 1;
  const digest = `sha256:${made.toString(16).padStart(64, '0')}`;
  return { key, digest, diffId: digest, size: 1, uncompressedSize: 1, mediaType: zstd, paths };
}

/** What is remembered of an image whose layers held, beside their targets, these names. */
function remembered(contents: Record<string, { closure: string[]; holds: string[] }>) {
  const outputs = Object.entries(contents).map(([name, { closure, holds }]) =>
    rememberedOutput(storePath(name), closure.map(storePath), [blob(holds.map(storePath))]),
  );
  return { outputs, blobs: outputs.flatMap(each => each.blobs), roots: [] };
}

/** A store that has nothing to say of images. */
const silent: Evidence = {
  image: async () => undefined,
  isStated: async () => false,
  isContent: async () => false,
  lastLayer: async () => undefined,
};

async function plan(
  wanted: Recipe,
  image: RememberedImage,
  options: { gone?: KnownBlob[]; unshipped?: LayerTarget[] } = {},
) {
  const result = await planFirst({
    recipe: wanted,
    knowledge: arrangeKnowledge([{ memory: { images: [image] }, evidence: silent }], zstd),
    presence: async each => (options.gone?.includes(each) ? undefined : 'present'),
    closures: { sizeOf: () => undefined },
    maxLayerSize: 2 ** 30,
    unshipped: options.unshipped ?? [],
  });
  return {
    needed: result.needed.map(({ outPath }) => outPath.slice(storePath('').length)),
    reused: [...result.reused],
  };
}

const rootBlob = (root: DerivationOutput[] = []) =>
  blob([], rootKey({ roots: root.map(each => each.outPath), directories: [] }));

const three = {
  base: { closure: ['base'], holds: ['base'] },
  deps: { closure: ['deps', 'lib', 'base'], holds: ['deps', 'lib'] },
  app: { closure: ['app', 'lib', 'base'], holds: ['app'] },
};

test('everything is realised where nothing is remembered', async () => {
  const layers = [layer('base'), layer('wheels', false), layer('app')];
  const found = await plan(recipe(layers), { outputs: [], blobs: [], roots: [] });
  assert.deepEqual(found, { needed: ['base', 'app'], reused: [] });
});

test('nothing is realised where everything is remembered', async () => {
  const image = remembered(three);
  const known = { ...image, blobs: [...image.blobs, rootBlob()] };
  const found = await plan(recipe([layer('base'), layer('deps'), layer('app')]), known);
  assert.deepEqual(found, { needed: [], reused: ['base', 'deps', 'app'] });
});

test('only the changed layer is realised', async () => {
  const layers = [layer('base'), layer('deps'), layer('app2')];
  const found = await plan(recipe(layers), remembered(three));
  assert.deepEqual(found, { needed: ['app2'], reused: ['base', 'deps'] });
});

test('a layer that leans on what a changed one held is left undecided', async () => {
  const layers = [layer('base'), layer('deps2'), layer('app')];
  const found = await plan(recipe(layers), remembered(three));
  assert.deepEqual(found, { needed: ['deps2'], reused: ['base'] }, 'app needs lib, or not');
});

test('a layer that holds more than it needs is reused above a changed one', async () => {
  const image = remembered({
    ...three,
    app: { closure: ['app', 'base'], holds: ['app', 'extra'] },
  });
  const found = await plan(recipe([layer('base'), layer('deps2'), layer('app')]), image);
  assert.deepEqual(found, { needed: ['deps2'], reused: ['base', 'app'] });
});

test('a layer whose blob is gone is realised again', async () => {
  const image = remembered(three);
  const found = await plan(recipe([layer('base'), layer('deps')]), image, {
    gone: image.blobs.slice(1, 2),
  });
  assert.deepEqual(found, { needed: ['deps'], reused: ['base'] });
});

test('blobs of another media type are not reused', async () => {
  const image = remembered(three);
  const gzip = image.blobs.map(each => ({ ...each, mediaType: zstd.replace('zstd', 'gzip') }));
  const outputs = image.outputs.map((each, at) => ({ ...each, blobs: gzip.slice(at, at + 1) }));
  const found = await plan(recipe([layer('base')]), { ...image, outputs, blobs: gzip });
  assert.deepEqual(found, { needed: ['base'], reused: [] });
});

test('targets that are not shipped are realised when wanted', async () => {
  const wheels = layer('wheels', false);
  const image = remembered(three);
  const found = await plan(recipe([layer('base'), wheels]), image, { unshipped: [wheels] });
  assert.deepEqual(found, { needed: ['wheels'], reused: ['base'] });
});

test('a root of unknown tree is realised', async () => {
  const root = [output('links')];
  const image = remembered({ base: { closure: ['base', 'links'], holds: ['base', 'links'] } });
  const wanted = recipe([layer('base')], { root });
  assert.deepEqual((await plan(wanted, image)).needed, ['links']);
  const withTree = { ...image, roots: [{ outPath: storePath('links'), tree: {} }] };
  assert.deepEqual((await plan(wanted, withTree)).needed, []);
  const withBlob = { ...image, blobs: [...image.blobs, rootBlob(root)] };
  const unproven = (await plan(wanted, withBlob)).needed;
  assert.deepEqual(unproven, ['links'], 'a root layer of which nobody can say what it should hold');
});

test('what config refers to and no layer carries is realised', async () => {
  const wanted = recipe([layer('base')], { referredOutputs: [output('entry'), output('base')] });
  const found = await plan(wanted, remembered(three));
  assert.deepEqual(found, { needed: ['entry'], reused: ['base'] });
});
