import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { type BlobSource, mediaTypes } from '../../../src/image/types.ts';
import { archiveStore } from '../../../src/registry/archive.ts';
import { openStore } from '../../../src/registry/open.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';

const root = mkdtempSync(join(tmpdir(), 'archive-'));
after(() => rmSync(root, { recursive: true }));

const options = { host: quietHost(), imageName: () => 'demo' };
const layers = [noise(700, 1), noise(100_000, 2), noise(512, 3)];

/** Puts an image of these layers; the first tag is "cu130". */
async function putImage(store: ImageStore, sources: BlobSource[] = layers.map(b => layerOf(b))) {
  const config = await store.putBytes(Buffer.from('{"config":{}}'), mediaTypes.config);
  const results = await Promise.all(sources.map(source => store.putBlob(source)));
  const manifest = {
    schemaVersion: 2,
    config,
    layers: results.map(({ digest, size }) => ({ mediaType: mediaTypes.layer.none, digest, size })),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const { digest } = await store.putManifest(bytes, mediaTypes.manifest);
  await store.putTag('cu130', { bytes, mediaType: mediaTypes.manifest, digest });
  await store.close();
}

/** Entries of a tar of short names. */
function entriesOf(tar: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>();
  for (let at = 0; tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    entries.set(name, tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function checkImage(tar: Buffer): void {
  const entries = entriesOf(tar);
  const [image] = JSON.parse(String(entries.get('manifest.json'))) as [
    { Config: string; RepoTags: string[]; Layers: string[] },
  ];
  assert.deepEqual(image.RepoTags, ['demo:cu130']);
  assert.equal(String(entries.get(image.Config)), '{"config":{}}');
  assert.deepEqual(
    image.Layers.map(name => entries.get(name)),
    layers,
  );
  assert.equal([...entries.keys()].at(-1), 'manifest.json');
}

describe('a docker-archive', () => {
  test('appears when it is complete, and replaces an older one', async () => {
    const file = join(root, 'image.tar');
    writeFileSync(file, 'older');
    await putImage(archiveStore(file, options));
    checkImage(readFileSync(file));
    assert.deepEqual(readdirSync(root), ['image.tar']);
  });

  test('goes to a stream as well', async () => {
    const stream = new PassThrough();
    const read = buffer(stream);
    const host = { ...options.host, stdout: stream };
    await putImage(openStore('-', { ...options, host, credentials: {} }));
    stream.end();
    checkImage(await read);
  });

  test('a layer that fails leaves the older file, and ends the layers that wait', async () => {
    const file = join(root, 'kept.tar');
    writeFileSync(file, 'older');
    const store = archiveStore(file, options);
    const broken = new Failure('a path vanished');
    const failing: BlobSource = {
      ...layerOf(Buffer.alloc(10)),
      open: () => {
        throw broken;
      },
    };
    await assert.rejects(putImage(store, [layerOf(noise(10, 4)), failing, layerOf(noise(10, 5))]));
    await store.close();
    assert.equal(readFileSync(file, 'utf8'), 'older');
    assert.deepEqual(
      readdirSync(root).filter(name => name.startsWith('.partial')),
      [],
    );
  });

  test('a layer of another size than stated is an error', async () => {
    for (const uncompressedSize of [9, 11]) {
      const store = archiveStore(join(root, 'size.tar'), options);
      const source = { ...layerOf(noise(10, 6)), uncompressedSize };
      await assert.rejects(store.putBlob(source), /layer-001\.tar should have/);
      await store.close();
    }
    assert.equal(existsSync(join(root, 'size.tar')), false);
  });

  test('of a layer that is larger than stated no more is written, nor read', async () => {
    const stream = new PassThrough();
    const written: Buffer[] = [];
    stream.on('data', chunk => written.push(chunk));
    const store = archiveStore(stream, options);
    const source = { ...layerOf(Buffer.alloc(10_000, 'x'), 1000), uncompressedSize: 2500 };
    const told: number[] = [];
    const put = store.putBlob(source, { onProgress: sent => told.push(sent) });
    await assert.rejects(put, /layer-001\.tar should have 2500 bytes and has more\./);
    assert.deepEqual(told, [1000, 2000]);
    assert.ok(Buffer.concat(written).length <= 512 + 2000);
    await assert.rejects(
      store.putBlob(layerOf(noise(10, 1))),
      /should have 2500 bytes/,
      'nor another',
    );
    await store.close();
  });

  test('knows what it holds, and gives back documents alone', async () => {
    const store = archiveStore(join(root, 'known.tar'), options);
    const bytes = Buffer.from('{"config":{"mediaType":"x/y"},"layers":[]}');
    const manifest = { bytes, mediaType: mediaTypes.manifest, digest: sha256(bytes) };
    assert.equal(await store.getManifest(manifest.digest), undefined);
    const { digest } = await store.putBytes(Buffer.from('x'), mediaTypes.config);
    const descriptor = { mediaType: '', digest, size: 1 };
    assert.deepEqual(await store.getBlob(descriptor), Buffer.from('x'));
    assert.equal(await store.getManifest(digest), undefined, 'it is no manifest');
    await store.putManifest(bytes, mediaTypes.manifest);
    assert.deepEqual(await store.getManifest(manifest.digest), manifest);
    await store.putTag('t', manifest);
    assert.deepEqual(await store.getManifest('t'), manifest);
    const { digest: layer } = await store.putBlob(layerOf(noise(10, 2)));
    assert.deepEqual(
      await Promise.all([digest, layer, sha256(noise(1, 1))].map(each => store.hasBlob(each))),
      [true, true, false],
    );
    assert.equal(await store.mountBlob(layer, 'o/base'), false);
    assert.throws(() => store.openBlob(descriptor), /is being written and cannot be read/);
    await store.close();
    assert.equal(existsSync(join(root, 'known.tar')), false, 'there is no image in it');
  });

  test('is written with the layers and the config of each image, and its tags', async () => {
    const file = join(root, 'two.tar');
    const store = archiveStore(file, options);
    assert.equal(store.repository, `docker-archive:${file}`);
    const config = await store.putBytes(
      Buffer.from('{}'),
      'application/vnd.docker.container.image.v1+json',
    );
    const { digest, size } = await store.putBlob(layerOf(noise(10, 3)));
    const layers = [{ mediaType: mediaTypes.layer.none, digest, size }];
    for (const [at, tags] of [['a', 'b'], []].entries()) {
      const bytes = Buffer.from(JSON.stringify({ config, layers, at }));
      await store.putManifest(bytes, mediaTypes.manifest);
      const manifest = { bytes, mediaType: mediaTypes.manifest, digest: '' };
      for (const tag of tags) await store.putTag(tag, manifest);
    }
    await store.close();
    const entries = entriesOf(readFileSync(file));
    const Config = `${config.digest.slice(7)}.json`;
    assert.deepEqual([...entries.keys()], ['layer-001.tar', Config, 'manifest.json']);
    assert.deepEqual(JSON.parse(String(entries.get('manifest.json'))), [
      { Config, RepoTags: ['demo:a', 'demo:b'], Layers: ['layer-001.tar'] },
      { Config, RepoTags: [], Layers: ['layer-001.tar'] },
    ]);
  });

  test('an image that names what was never written is refused, and leaves no file', async () => {
    const file = join(root, 'lacking.tar');
    const missing = { mediaType: mediaTypes.config, digest: sha256(noise(1, 9)), size: 1 };
    for (const [lacks, words] of [
      ['config', /the image config sha256:\w+ was never written/],
      ['layer', /the layer sha256:\w+ was never written/],
    ] as const) {
      const store = archiveStore(file, options);
      const config = await store.putBytes(Buffer.from('{}'), mediaTypes.config);
      const named = lacks === 'config' ? missing : config;
      const manifest = { config: named, layers: lacks === 'layer' ? [missing] : [] };
      await store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaTypes.manifest);
      await assert.rejects(store.close(), words);
    }
    assert.equal(existsSync(file), false);
  });

  test('no layer is read before there is somewhere to write it', async () => {
    const store = archiveStore(join(root, 'no/such/folder/x.tar'), options);
    const source = { ...layerOf(noise(10, 7)), open: () => assert.fail('it was opened') };
    await assert.rejects(store.putBlob(source), Failure);
    await store.close();
  });

  test('a layer that is packed, or of unknown size, cannot be put', async () => {
    const store = archiveStore(new PassThrough(), options);
    const packed = { ...layerOf(noise(10, 4)), mediaType: mediaTypes.layer.gzip };
    await assert.rejects(store.putBlob(packed), TypeError);
    await store.close();
    const other = archiveStore(new PassThrough(), options);
    const { uncompressedSize: _, ...unknown } = layerOf(noise(10, 5));
    await assert.rejects(other.putBlob(unknown), TypeError);
    await other.close();
    assert.equal(other.repository, '-');
  });

  test('a reader that goes away is an error that says so', async () => {
    const stream = new PassThrough();
    const store = archiveStore(stream, options);
    stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await assert.rejects(store.putBlob(layerOf(noise(10, 7))), /ended before all of it/);
    await store.close();
  });

  test('a blob that is known is written once', async () => {
    const stream = new PassThrough();
    const read = buffer(stream);
    const store = archiveStore(stream, options);
    const bytes = noise(10, 8);
    const source = { ...layerOf(bytes), digest: sha256(bytes) };
    await store.putBlob(source);
    source.open = () => assert.fail('it was read again');
    assert.equal((await store.putBlob(source)).digest, sha256(bytes));
    await store.close();
    stream.end();
    assert.equal(entriesOf(Buffer.concat([await read, Buffer.alloc(512)])).size, 1);
  });
});

describe('the form of an image says its store', () => {
  const open = (image: string) => openStore(image, { ...options, credentials: {} });

  test('kind and name', () => {
    assert.equal(open('oci:build/demo').repository, 'oci:build/demo');
    assert.equal(open('docker-archive:x.tar').remembers, false);
    assert.equal(open('ghcr.io/O/ComfyUI').repository, 'ghcr.io/o/comfyui');
    assert.equal(open('docker://ghcr.io/o/x').repository, 'ghcr.io/o/x');
  });

  test('standard output is an archive where it takes one', () => {
    const host = { ...options.host, stdout: new PassThrough() };
    assert.equal(openStore('-', { host, credentials: {} }).remembers, false);
    // a log, or a terminal
    assert.throws(() => open('-'), { name: 'Failure', exitCode: 2 });
  });

  test('a form without a place is wrong usage', () => {
    for (const image of ['oci:', 'docker-archive:', 'ghcr.io/']) {
      assert.throws(() => open(image), { name: 'Failure', exitCode: 2 });
    }
  });
});
