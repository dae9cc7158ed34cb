import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { framePool } from '../../../src/image/frames.ts';
import { nix2container } from '../../../src/image/sources/nix2container.ts';
import { goDialect, type TarEntry } from '../../../src/image/tar-header.ts';
import { tarBytes } from '../../../src/image/tar-writer.ts';
import { allBytes, collect, filesIn, hashed, temporaryFolder } from './fixtures.ts';

const packing = { compression: 'none' as const, pool: framePool(2) };

/** The digests of an empty file at ../data/layer1/file1 that nix2container's own tests expect. */
const plain = 'sha256:cc45bd46eca903b0900ebb997dffd5778904dca9ec02e7375dd1e653dfb61e2e';
const withMode = 'sha256:adf74a52f9e1bcd7dab77193455fa06743b979cf5955148010e5becedba4f72d';

function imageOf(
  folder: string,
  diffId: string,
  options: object,
  path = `${folder}/${hashed('file1')}`,
) {
  const layer = {
    digest: diffId,
    size: 3072,
    diff_ids: diffId,
    mediatype: 'application/vnd.oci.image.layer.v1.tar',
    paths: [{ path, options }],
    History: { created_by: 'nix2container' },
  };
  const image = {
    version: 1,
    'image-config': { Cmd: ['x'] },
    layers: [layer],
    arch: 'amd64',
    created: null,
  };
  return open(folder, JSON.stringify(image));
}

async function open(folder: string, json: string) {
  const file = `${folder}/${hashed('image.json')}`;
  writeFileSync(file, json);
  return nix2container(await filesIn(folder, file), packing);
}

const layer1 = hashed('layer1');

function fixture(t: Parameters<typeof temporaryFolder>[0]) {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/${layer1}`);
  writeFileSync(`${folder}/${layer1}/file1`, '');
  chmodSync(`${folder}/${layer1}/file1`, 0o644);
  writeFileSync(`${folder}/${hashed('file1')}`, '');
  chmodSync(`${folder}/${hashed('file1')}`, 0o644);
  // nix2container's own test has the file itself as a path
  const rewrite = { regex: `^${folder}/(?:[0-9]+-)file1$`, repl: '../data/layer1/file1' };
  return { folder, rewrite };
}

test('the tar of a path is the one of nix2container', async t => {
  const { folder, rewrite } = fixture(t);
  const image = await imageOf(folder, plain, { rewrite });
  const blob = image.layers[0]?.source.open();
  assert.ok(blob);
  assert.equal((await collect(blob)).length, 3072);
  assert.equal(blob.result().diffId, plain);
  const config = JSON.parse(image.config([plain]).toString());
  assert.deepEqual(config.rootfs.diff_ids, [plain]);
  assert.equal(config.architecture, 'amd64');
});

test('permissions are applied', async t => {
  const { folder, rewrite } = fixture(t);
  const image = await imageOf(folder, withMode, {
    rewrite,
    perms: [{ regex: '.*file1', mode: '0641' }],
  });
  const blob = image.layers[0]?.source.open();
  assert.ok(blob);
  await collect(blob);
  assert.equal(blob.result().diffId, withMode);
});

test('a layer that does not have its digest fails before its end, and names the layer', async t => {
  const { folder, rewrite } = fixture(t);
  const image = await imageOf(folder, withMode, { rewrite });
  const blob = image.layers[0]?.source.open();
  assert.ok(blob);
  await assert.rejects(collect(blob), /layer 1 of .*image\.json does not have the digest/);
});

test('a rewrite to nothing puts the content at the root', async t => {
  const { folder } = fixture(t);
  const rewrite = { regex: `^${folder}/${layer1}`, repl: '' };
  const entries: TarEntry[] = [
    { type: 'directory', path: '/', mode: 0o755, size: 0 },
    { type: 'file', path: '/file1', mode: 0o644, size: 0 },
  ];
  const tar = await allBytes(tarBytes(entries, goDialect));
  const digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const image = await imageOf(folder, digest, { rewrite }, `${folder}/${layer1}`);
  const blob = image.layers[0]?.source.open();
  assert.ok(blob);
  assert.ok((await collect(blob)).equals(tar));
});

test('descriptions that lack something are refused', async t => {
  const { folder } = fixture(t);
  for (const text of ['{', '[]', '{"layers":[]}', '{"image-config":{},"layers":[{}]}']) {
    await assert.rejects(open(folder, text), /image\.json does not describe an image/);
  }
});
