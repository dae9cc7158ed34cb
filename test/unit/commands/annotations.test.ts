// An image of another tool keeps the annotations of its own, run after run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { variantOf } from '../../../src/commands/build/context.ts';
import { knownImage } from '../../../src/commands/known-image.ts';
import { sendLayers } from '../../../src/commands/send-image.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { layoutFolder, ociLayout } from '../../../src/image/sources/oci-layout.ts';
import { type Manifest, mediaTypes } from '../../../src/image/types.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { quietHost } from '../../tools/host.ts';
import { fillLayout, startLayout } from '../../tools/small-image.ts';
import { filesAt } from '../image/fixtures.ts';
import { folders } from './copying.ts';

const own = { 'org.example.own': '1' };
const target = { outPath: '/s/a', variant: 'v' };

test('they stay beside those that a run adds, also where its labels change the image', async t => {
  const { from, to } = folders(t);
  const layout = startLayout(from);
  const { manifest } = fillLayout(layout);
  const text = JSON.stringify({ ...manifest, annotations: own }, null, 1);
  layout.index([layout.put(text, mediaTypes.manifest)]);
  const packing = { compression: 'zstd' as const, pool: framePool(1) };
  const choice = { platform: linuxOn('amd64') };
  const source = await ociLayout(layoutFolder(await filesAt(from)), packing, choice);
  const sent = async (labels: Record<string, string>, annotations: Record<string, string>) => {
    const { image } = await sendLayers(source, {
      store: layoutStore(to, quietHost()),
      transfers: {
        keepsOrder: false,
        send: async ({ source: { digest = '', size = 0, diffId = '', mediaType } }) => ({
          ...{ digest, size, diffId, mediaType, uncompressedSize: size },
          ...{ key: '', paths: [], transfer: 'uploaded' as const },
        }),
        ended: async () => undefined,
      },
      knowledge: arrangeKnowledge([], ''),
      presence: async () => undefined,
      ...{ layer: 'x', labels, annotations },
    });
    return image.manifest.bytes;
  };
  const annotationsOf = (bytes: Buffer) => JSON.parse(bytes.toString()).annotations;
  assert.equal((await sent({}, {})).toString(), text);
  assert.deepEqual(annotationsOf(await sent({ team: 'a' }, {})), own);
  const revision = { revision: '1' };
  assert.deepEqual(annotationsOf(await sent({ team: 'a' }, revision)), { ...own, ...revision });
});

test('they stay where the image is known, and what a run adds is put anew', async () => {
  const config = { mediaType: mediaTypes.config, digest: 'sha256:1', size: 2 };
  const annotations = { ...own, revision: '1' };
  const manifest = {
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [], annotations },
  } as Manifest;
  const bytes = Buffer.from(JSON.stringify(manifest, null, 1));
  const stored = { bytes, mediaType: mediaTypes.manifest, digest: 'sha256:3' };
  const image = { stored, manifest, layers: [] };
  const store = { ...layoutStore('/none', quietHost()), hasBlob: async () => true };
  const imageOf = async () => ({ image, blobs: [] });
  const known = async (given: Record<string, string>) => {
    const knowledge = { ...arrangeKnowledge([], ''), imageOf };
    const inputs = { store, knowledge, annotations: given, tags: [], tagged: [] };
    return (await knownImage(target, { ...inputs, host: quietHost() }))?.sent.manifest;
  };
  assert.equal(await known({}), stored);
  assert.equal(await known({ revision: '1' }), stored);
  const later = JSON.parse(String((await known({ revision: '2' }))?.bytes));
  assert.deepEqual(later.annotations, { ...own, revision: '2' });
});

test('with other names of annotations it is another image, with other texts it is not', () => {
  const variant = (annotations: Record<string, string>) =>
    variantOf({
      settings: { compression: 'zstd', labels: {}, annotations },
      state: { host: { env: {} } },
    });
  assert.equal(variant({ a: '1', b: '1' }), variant({ b: '2', a: '2' }));
  assert.notEqual(variant({ a: '1' }), variant({}));
});
