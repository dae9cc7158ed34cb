import assert from 'node:assert/strict';
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Failure } from '../../../src/host/failure.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { layoutFolder, ociLayout } from '../../../src/image/sources/oci-layout.ts';
import { type Compression, mediaTypes } from '../../../src/image/types.ts';
import {
  fillLayout,
  type SmallLayout,
  sha256,
  smallConfig,
  smallLayer,
  startLayout,
  tarOf,
} from '../../tools/small-image.ts';
import { collect, filesAt, temporaryFolder } from './fixtures.ts';

const otherLayer = tarOf([['b', 'other']]);

const layoutIn = (t: TestContext) => startLayout(`${temporaryFolder(t)}/layout`);

async function open(
  { folder }: SmallLayout,
  compression: Compression = 'zstd',
  { tag, architecture = 'amd64' }: { tag?: string; architecture?: string } = {},
) {
  const files = layoutFolder(await filesAt(folder));
  const chosen = { tag, platform: linuxOn(architecture) };
  return ociLayout(files, { compression, pool: framePool(1) }, chosen);
}

/** What is in the first layer, or why nothing is. */
const layerIn = async (layout: SmallLayout, tag?: string) => {
  const image = await open(layout, 'none', tag === undefined ? {} : { tag });
  return sha256(await collect(image.layers[0]?.source.open() ?? assert.fail()));
};

/** A manifest of one layer, put into the layout; its descriptor. */
function put(layout: SmallLayout, layer: Buffer) {
  const config = layout.put(JSON.stringify(smallConfig([layer])), mediaTypes.config);
  const layers = [layout.put(layer, mediaTypes.layer.none)];
  return layout.put(JSON.stringify({ schemaVersion: 2, config, layers }), mediaTypes.manifest);
}

const tagged = (descriptor: object, tag: string) => ({
  ...descriptor,
  annotations: { 'org.opencontainers.image.ref.name': tag },
});

test('of several images the one with the tag is read', async t => {
  const layout = layoutIn(t);
  const [one, two] = [put(layout, smallLayer), put(layout, otherLayer)];
  layout.index([tagged(one, 'one'), tagged(two, 'two'), two]);
  assert.equal(await layerIn(layout, 'one'), sha256(smallLayer));
  assert.equal(await layerIn(layout, 'two'), sha256(otherLayer));
  await assert.rejects(layerIn(layout, 'three'), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /layout holds no image with the tag three\.$/);
    assert.equal(error.details.next, `Name one of: one, two, ${two.digest}.`);
    return true;
  });
  await assert.rejects(layerIn(layout), /holds several images or none, and no tag says which/);
});

test('one image under several names is one image, and needs no tag', async t => {
  const layout = layoutIn(t);
  const one = put(layout, smallLayer);
  layout.index([tagged(one, 'one'), tagged(one, 'latest')]);
  assert.equal(await layerIn(layout), sha256(smallLayer));
  layout.index([]);
  await assert.rejects(layerIn(layout), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.details.next, 'Make the layout again.');
    return true;
  });
});

test('twenty names are enough for a message', async t => {
  const layout = layoutIn(t);
  const one = put(layout, smallLayer);
  const next = async (count: number) => {
    layout.index(Array.from({ length: count }, (_, at) => tagged(one, `t${at}`)));
    const error = await layerIn(layout, 'x').catch((reason: unknown) => reason);
    return (error as Failure).details.next;
  };
  assert.match((await next(20)) ?? '', / t18, t19\.$/);
  assert.match((await next(22)) ?? '', / t19 and 2 more\.$/);
});

test('an index in an index: Linux, and the architecture where one is asked for', async t => {
  const layout = layoutIn(t);
  const [one, two] = [put(layout, smallLayer), put(layout, otherLayer)];
  const gone = { ...one, digest: sha256('gone') };
  const read = async (manifests: object[], architecture?: string) => {
    layout.index([layout.put(JSON.stringify({ manifests }), mediaTypes.index)]);
    const image = await open(layout, 'none', architecture === undefined ? {} : { architecture });
    return sha256(await collect(image.layers[0]?.source.open() ?? assert.fail()));
  };
  const on = (architecture: string, os?: string) => ({ platform: { architecture, os } });
  const several = [
    { ...gone, ...on('amd64', 'windows') },
    { ...one, ...on('arm64', 'linux') },
    { ...two, ...on('amd64') },
  ];
  assert.equal(await read(several, 'amd64'), sha256(otherLayer), 'it says nothing of an OS');
  assert.equal(await read(several, 'arm64'), sha256(smallLayer));
  assert.equal(await read([one]), sha256(smallLayer), 'it says nothing of a platform');
  await assert.rejects(read(several, 's390x'), /is an index, and has no image for linux\/s390x/);
  await assert.rejects(read(several.slice(0, 1)), /has no image for linux\/amd64/);
});

test('a layer is passed on as it is stored, and known before it is read', async t => {
  const packed = {
    none: { bytes: smallLayer, type: mediaTypes.layer.none },
    gzip: {
      bytes: gzipSync(smallLayer),
      type: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    },
    zstd: { bytes: zstdCompressSync(smallLayer), type: mediaTypes.layer.zstd },
  };
  for (const [compression, { bytes, type }] of Object.entries(packed)) {
    const layout = layoutIn(t);
    const { manifest } = fillLayout(layout);
    const layers = [layout.put(bytes, type)];
    layout.index([layout.put(JSON.stringify({ ...manifest, layers }), mediaTypes.manifest)]);
    const [layer] = (await open(layout)).layers;
    const { open: _, ...known } = layer?.source ?? assert.fail();
    const content = { diffId: sha256(smallLayer), uncompressedSize: smallLayer.length };
    const stored = { digest: sha256(bytes), size: bytes.length };
    const mediaType = mediaTypes.layer[compression as Compression];
    const { uncompressedSize: __, ...unmeasured } = { mediaType, ...stored, ...content };
    const expected = compression === 'none' ? { ...unmeasured, ...content } : unmeasured;
    assert.deepEqual(known, expected);
    const stream = layer?.source.open() ?? assert.fail();
    assert.throws(() => stream.result(), /only when it was read to its end/);
    assert.ok((await collect(stream)).equals(bytes));
    assert.deepEqual(stream.result(), { ...stored, ...content });
    assert.equal(stream.bytesRead(), smallLayer.length);
  }
});

test('a blob that has another size than it should is not read', async t => {
  for (const change of [truncateTo(100), (file: string) => appendFileSync(file, 'x')]) {
    const layout = layoutIn(t);
    const { manifest, descriptor } = fillLayout(layout);
    const { config, layers } = manifest;
    for (const { digest } of [layers[0] ?? config, config, descriptor]) {
      change(`${layout.folder}/blobs/${digest.replace(':', '/')}`);
      await assert.rejects(layerIn(layout), /does not have the digest/);
      const image = open(layout).then(({ layers }) =>
        collect(layers[0]?.source.open() ?? assert.fail()),
      );
      await assert.rejects(image, (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.match(error.details.evidence?.[0] ?? '', /^expected \d+ bytes$/);
        return true;
      });
    }
  }
});

const truncateTo = (size: number) => (file: string) => truncateSync(file, size);

test('a blob with other bytes of the same number is not finished', async t => {
  for (const compression of ['none', 'zstd'] as const) {
    const layout = layoutIn(t);
    const { manifest } = fillLayout(layout);
    const [layer] = manifest.layers;
    const file = `${layout.folder}/blobs/${layer?.digest.replace(':', '/')}`;
    writeFileSync(file, Buffer.alloc(smallLayer.length, 'x'));
    const image = await open(layout, compression);
    await assert.rejects(
      collect(image.layers[0]?.source.open() ?? assert.fail()),
      (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.equal(error.details.evidence?.[0], `expected ${layer?.digest}`);
        return true;
      },
    );
  }
});

test('an interrupt ends the reading', async t => {
  const layout = layoutIn(t);
  fillLayout(layout);
  const reason = new Error('interrupted');
  const [layer] = (await open(layout)).layers;
  const reading = collect(layer?.source.open(AbortSignal.abort(reason)) ?? assert.fail());
  await assert.rejects(reading, reason);
});
