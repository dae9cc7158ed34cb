import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { explain } from '../../../src/host/failure.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import {
  detectSource,
  type OpenSourceOptions,
  openSource,
} from '../../../src/image/sources/detect.ts';
import type { SourceImage } from '../../../src/image/sources/source-image.ts';
import { collect, filesAt, filesIn, hashed, temporaryFolder } from '../../unit/image/fixtures.ts';

const streamer = fileURLToPath(new URL('../../tools/stream_layered_image.py', import.meta.url));
const options = {
  packing: { compression: 'zstd' as const, pool: framePool(2) },
  now: async () => 1_700_000_000,
  runPrograms: true,
  env: process.env,
  platform: linuxOn('amd64'),
};
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** A small store, its customisation layer, and the conf.json that describes an image of them. */
function layeredImage(t: TestContext, more: object = {}) {
  const store = temporaryFolder(t);
  for (const name of ['one', 'two']) {
    const folder = `${store}/${hashed(name)}`;
    mkdirSync(`${folder}/bin`, { recursive: true });
    writeFileSync(`${folder}/bin/${name}`, name.repeat(100_000));
    writeFileSync(`${folder}/ünï ${name}`, name);
    linkSync(`${folder}/bin/${name}`, `${folder}/hard`);
    symlinkSync('bin', `${folder}/link`);
  }
  const custom = `${store}/${hashed('custom')}`;
  mkdirSync(`${custom}/files/etc`, { recursive: true });
  writeFileSync(`${custom}/files/etc/os-release`, 'ID=test');
  execFileSync('tar', ['-C', `${custom}/files`, '-cf', `${custom}/layer.tar`, '.']);
  writeFileSync(`${custom}/checksum`, `${sha256(readFileSync(`${custom}/layer.tar`))}\n`);
  const conf = {
    architecture: 'amd64',
    config: {
      Cmd: ['/bin/ün'],
      Env: ['PATH=/bin', 'B=2'],
      ExposedPorts: { '443/tcp': {}, '80': {}, '9': {} },
      Labels: {},
    },
    created: '2024-02-03T04:05:06+00:00',
    customisation_layer: custom,
    from_image: null,
    gid: '1000',
    gname: 'users',
    mtime: '1970-01-01T00:00:01Z',
    repo_tag: 'test:latest',
    store_dir: store,
    store_layers: [[`${store}/${hashed('one')}`], [`${store}/${hashed('two')}`]],
    uid: '1000',
    uname: 'user',
    ...more,
  };
  const file = `${store}/${hashed('test-conf.json')}`;
  // keys in Nix's order, which JavaScript does not keep for whole numbers
  const text = JSON.stringify(conf).replace('"9":{},"80":{},', '"80":{},"9":{},');
  writeFileSync(file, text);
  const script = `${store}/${hashed('stream-test')}`;
  writeFileSync(script, `#!/bin/sh\nexec python3 ${streamer} ${file}\n`);
  chmodSync(script, 0o555);
  return { store, file, script };
}

/** The docker archive that the script writes, in a file. */
function archiveOf({ store, file }: { store: string; file: string }): string {
  const archive = execFileSync('python3', [streamer, file], { maxBuffer: 1 << 28 });
  const path = `${store}/${hashed('image.tar')}`;
  writeFileSync(path, archive);
  return path;
}

/** What an archive's own manifest says. */
function stated(archive: string) {
  const extract = (name: string) =>
    execFileSync('tar', ['-xOf', archive, name], { maxBuffer: 1 << 26 });
  const [manifest] = JSON.parse(extract('manifest.json').toString());
  const config = extract(manifest.Config);
  return {
    config,
    diffIds: JSON.parse(config.toString()).rootfs.diff_ids as string[],
    tags: manifest.RepoTags,
  };
}

async function readAll(image: SourceImage) {
  const diffIds: string[] = [];
  for (const { source } of image.layers) {
    const blob = source.open();
    await collect(blob);
    diffIds.push(blob.result().diffId);
  }
  await image.close();
  return { diffIds, config: image.config(diffIds), tags: image.repoTags };
}

/** Opens an image of a store, whose paths all belong to it. */
const openIn = async (store: string, path: string, more: OpenSourceOptions = options) =>
  openSource(await filesIn(store, path), more);

/** Opens an image that lies in no store. */
const openAt = async (path: string, more: OpenSourceOptions = options) =>
  openSource(await filesAt(path), more);

const uncompressed = {
  ...options,
  packing: { compression: 'none' as const, pool: options.packing.pool },
};

test('uncompressed layers say their size before they are read', async t => {
  const image = layeredImage(t);
  const archive = archiveOf(image);
  writeFileSync(`${archive}.gz`, gzipSync(readFileSync(archive)));
  for (const path of [image.script, archive, `${archive}.gz`]) {
    for (const { source } of (await openIn(image.store, path, uncompressed)).layers) {
      const blob = source.open();
      assert.equal((await collect(blob)).length, source.uncompressedSize);
    }
  }
});

test('streamLayeredImage: diffIDs and config are those of its script', async t => {
  const image = layeredImage(t);
  assert.deepEqual(await detectSource(await filesAt(image.script)), {
    kind: 'stream-layered',
    conf: image.file,
  });
  const found = await readAll(await openIn(image.store, image.script));
  const expected = stated(archiveOf(image));
  assert.equal(found.config.toString(), expected.config.toString());
  assert.deepEqual(found, { ...expected, tags: ['test:latest'] });
});

test('streamLayeredImage on a base image: its layers first, its Env below', async t => {
  const base = layeredImage(t, { config: { Env: ['A=1', 'B=1', 'C=x=y'] }, store_layers: [] });
  const image = layeredImage(t);
  const from = `${image.store}/${hashed('base.tar')}`;
  writeFileSync(from, readFileSync(archiveOf(base)));
  const conf = JSON.parse(readFileSync(image.file, 'utf8'));
  writeFileSync(image.file, JSON.stringify({ ...conf, from_image: from }));
  const found = await readAll(await openIn(image.store, image.script));
  const expected = stated(archiveOf(image));
  assert.equal(found.config.toString(), expected.config.toString());
  assert.deepEqual(found.diffIds, expected.diffIds);
});

test('streamLayeredImage: "now" is the time that is passed in', async t => {
  const image = layeredImage(t, { created: 'now', mtime: 'now' });
  const at = layeredImage(t, {
    created: '2023-11-14T22:13:20+00:00',
    mtime: '2023-11-14T22:13:20+00:00',
  });
  const config = (await readAll(await openIn(image.store, image.script))).config.toString();
  assert.equal(JSON.parse(config).created, '2023-11-14T22:13:20+00:00');
  assert.equal(stated(archiveOf(at)).diffIds.length, 3);
});

for (const [form, pack] of [
  ['plain', (bytes: Buffer) => bytes],
  ['gzip', (bytes: Buffer) => gzipSync(bytes)],
  ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
] as const) {
  test(`a ${form} docker archive gives its layers and its config`, async t => {
    const archive = archiveOf(layeredImage(t));
    const packed = `${archive}.${form}`;
    writeFileSync(packed, pack(readFileSync(archive)));
    assert.deepEqual(await detectSource(await filesAt(packed)), { kind: 'archive' });
    assert.deepEqual(await readAll(await openAt(packed)), stated(archive));
  });
}

test('a program that writes an archive is read as a stream, and again where needed', async t => {
  const image = layeredImage(t);
  const archive = archiveOf(image);
  const program = `${image.store}/program`;
  writeFileSync(program, `#!/bin/sh\necho run >> ${image.store}/runs\nexec cat ${archive}\n`);
  chmodSync(program, 0o555);
  const opened = await openAt(program);
  assert.equal(opened.sequential, true);
  assert.deepEqual(await readAll(opened), stated(archive));
  const runs = () => readFileSync(`${image.store}/runs`, 'utf8').split('\n').length - 1;
  assert.equal(runs(), 2, 'once for what is in it, once for all layers');
  const again = opened.layers[0]?.source.open();
  assert.ok(again);
  await collect(again);
  assert.equal(again.result().diffId, opened.layers[0]?.source.diffId);
  await opened.close();
  assert.equal(runs(), 3);
});

test('layers of a stream may be opened all at once, in any order', async t => {
  const paths = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const image = layeredImage(t);
  const conf = JSON.parse(readFileSync(image.file, 'utf8'));
  for (const path of paths) writeFileSync(`${image.store}/${hashed(path)}`, path.repeat(50_000));
  const layers = paths.map(path => [`${image.store}/${hashed(path)}`]);
  writeFileSync(image.file, JSON.stringify({ ...conf, store_layers: layers }));
  const archive = archiveOf(image);
  writeFileSync(`${archive}.gz`, gzipSync(readFileSync(archive)));
  const packing = { compression: 'gzip' as const, pool: framePool(1) };
  const opened = await openAt(`${archive}.gz`, { ...options, packing });
  const blobs = opened.layers.map(({ source }) => source.open());
  await Promise.all([...blobs].reverse().map(collect));
  assert.deepEqual(
    blobs.map(blob => blob.result().diffId),
    stated(archive).diffIds,
  );
  await opened.close();
});

test('a program that fails is named, with what it said', async t => {
  const { store } = layeredImage(t);
  writeFileSync(`${store}/program`, '#!/bin/sh\necho no such layer >&2\nexit 3\n');
  chmodSync(`${store}/program`, 0o555);
  await assert.rejects(openAt(`${store}/program`), (error: unknown) => {
    assert.match(
      explain(error),
      /program, which writes the image, ended with 3\.\n {2}no such layer/,
    );
    return true;
  });
});

test('archives that are damaged or lack something are refused', async t => {
  const image = layeredImage(t);
  const bytes = readFileSync(archiveOf(image));
  const file = `${image.store}/bad.tar`;
  writeFileSync(file, bytes.subarray(0, bytes.length / 2));
  await assert.rejects(openAt(file), /bad\.tar (ends too early|does not describe)/);
  const changed = Buffer.from(bytes);
  const place = changed.indexOf('oneone');
  changed.write('two', place);
  writeFileSync(file, changed);
  await assert.rejects(
    readAll(await openAt(file)),
    /layer\.tar in .*bad\.tar does not have the digest/,
  );
  execFileSync('tar', ['-C', `${image.store}/${hashed('one')}`, '-cf', file, '.']);
  await assert.rejects(
    openAt(file),
    /bad\.tar does not describe an image: there is neither a manifest\.json/,
  );
  writeFileSync(file, 'nothing at all');
  await assert.rejects(openAt(file), /bad\.tar is no image/);
});

test('an OCI layout that skopeo made gives its layers as they are stored', async t => {
  const image = layeredImage(t);
  const archive = archiveOf(image);
  const layout = `${image.store}/layout`;
  execFileSync('skopeo', [
    '--insecure-policy',
    'copy',
    '-q',
    `docker-archive:${archive}`,
    `oci:${layout}:latest`,
  ]);
  assert.deepEqual(await detectSource(await filesAt(layout)), { kind: 'oci-layout' });
  const opened = await openAt(layout);
  const { diffIds } = await readAll(opened);
  assert.deepEqual(diffIds, stated(archive).diffIds);
  assert.ok(opened.layers.every(({ source }) => source.mediaType.endsWith('+gzip')));
  await assert.rejects(openAt(layout, { ...options, tag: 'other' }), /no image with the tag other/);
  const digest = opened.layers[0]?.source.digest ?? '';
  const blob = `${layout}/blobs/sha256/${digest.replace('sha256:', '')}`;
  const bytes = readFileSync(blob);
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  writeFileSync(blob, bytes);
  await assert.rejects(readAll(opened), new RegExp(`${digest} of .* (does not|cannot|ends)`));
});
