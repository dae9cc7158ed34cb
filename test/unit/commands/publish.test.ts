import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkComplete, recipeImage } from '../../../src/commands/build/publish.ts';
import type { MadeLayer } from '../../../src/commands/build/state.ts';
import { putImage } from '../../../src/commands/push.ts';
import type { LayerBlob } from '../../../src/commands/transfers.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { noise, sha256 } from '../../tools/blobs.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';

const content = noise(100, 1);
const blob: LayerBlob = {
  key: '',
  digest: sha256(content),
  diffId: sha256(content),
  size: content.length,
  uncompressedSize: content.length,
  mediaType: mediaTypes.layer.none,
  paths: [],
  transfer: 'present',
};
const layer = (name: string, count: number): MadeLayer => ({
  name,
  target: null,
  origin: 'built',
  blobs: Array.from({ length: count }, () => blob),
});
const recipe = {
  ...{ name: 'x', tag: 't', layers: [], root: [], folders: [], directories: [], config: {} },
  ...{ referredOutputs: [], referredSources: [], created: 'now' },
};
const created = '1970-01-01T00:00:01Z';
const parts = { recipe, created, architecture: 'amd64', labels: {}, annotations: {} };

test('an image has 125 layers at most; with one more nothing of it is put', async t => {
  const registry = await startRegistryStandIn();
  const store = storeOn(t, registry, 'o/x');
  registry.blobs.set(blob.digest, content);
  const put = async (...layers: MadeLayer[]) => {
    const image = recipeImage(layers, parts);
    await putImage(store, image);
    return image.manifest;
  };
  await assert.rejects(
    put(layer('base', 60), layer('app', 66)),
    /would have 126 layers; container engines take 125\./,
  );
  assert.deepEqual(registry.requests, []);
  const { digest, bytes } = await put(layer('base', 60), layer('app', 65));
  assert.equal(JSON.parse(bytes.toString()).layers.length, 125);
  const order = registry.requests.filter(line => /^(PUT|GET) .*manifests/.test(line));
  assert.deepEqual(order, [`PUT /v2/o/x/manifests/${digest}`], 'no tag has moved');
});

test('every path of what is shipped is in some layer, or there is no image', () => {
  const held = new Set(['/s/a', '/s/b']);
  checkComplete([['/s/a'], ['/s/a', '/s/b']], held);
  assert.throws(
    () => checkComplete([['/s/a', '/s/c'], ['/s/d']], held),
    /^Failure: 2 store paths are in no layer, such as \/s\/c\.$/,
  );
});
