// What the script of a streamLayeredImage would write, read from its conf.json.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { framePool } from '../../../src/image/frames.ts';
import { streamedKey } from '../../../src/image/keys.ts';
import { readMoment } from '../../../src/image/sources/layered-conf.ts';
import { streamLayeredImage } from '../../../src/image/sources/stream-layered.ts';
import { pythonDialect } from '../../../src/image/tar-header.ts';
import { readTar } from '../../../src/image/tar-reader.ts';
import { sha256, smallConfig, tarOf } from '../../tools/small-image.ts';
import { collect, filesIn, hashed, streamOf, temporaryFolder } from './fixtures.ts';

const packing = { compression: 'none' as const, pool: framePool(1) };
const baseLayer = tarOf([['base', 'base']]);
const customLayer = tarOf([['custom', 'custom']]);

interface Change {
  conf?: object;
  checksum?: string;
  /** The Env of a base image; null: a base without config. */
  base?: readonly unknown[] | null;
  /** How the base image is packed. */
  pack?: (tar: Buffer) => Buffer;
  now?: number;
}

/** A store with a conf.json, and the image that it describes. */
async function read(
  t: TestContext,
  { conf = {}, checksum, base, pack = tar => tar, now = 0 }: Change = {},
) {
  const store = temporaryFolder(t);
  const at = (name: string) => `${store}/${hashed(name)}`;
  mkdirSync(at('custom'));
  writeFileSync(`${at('custom')}/layer.tar`, customLayer);
  writeFileSync(`${at('custom')}/checksum`, checksum ?? `${sha256(customLayer).slice(7)}\n`);
  for (const name of ['one', 'two']) writeFileSync(at(name), name);
  if (base !== undefined) {
    const config = { ...smallConfig([baseLayer]), config: base && { Env: base } };
    const manifest = JSON.stringify([{ Config: 'c.json', Layers: ['l.tar'] }]);
    const members = [
      ['c.json', JSON.stringify(config)],
      ['l.tar', baseLayer],
      ['manifest.json', manifest],
    ] as const;
    const tar = tarOf(members);
    writeFileSync(at('base.tar'), pack(tar));
  }
  const whole = {
    architecture: 'amd64',
    config: { Env: ['A=own', 'B=2'], Cmd: ['x'] },
    from_image: base === undefined ? null : at('base.tar'),
    store_layers: [[at('one')], [at('two')]],
    customisation_layer: at('custom'),
    repo_tag: 'x:latest',
    created: '2024-01-02T03:04:05+00:00',
    ...conf,
  };
  writeFileSync(at('x-conf.json'), JSON.stringify(whole));
  const files = await filesIn(store, at('x-conf.json'));
  const env = { PATH: process.env.PATH };
  const image = await streamLayeredImage(files, at('x-conf.json'), packing, async () => now, env);
  const digests = image.layers.map(({ source }) => source.diffId ?? `sha256:${'0'.repeat(64)}`);
  return { at, image, config: JSON.parse(image.config(digests).toString()) };
}

test('store paths by layers, then what was customised, with a history of them', async t => {
  const { at, image, config } = await read(t);
  assert.deepEqual(
    image.layers.map(({ name }) => name),
    ['layer 1', 'layer 2', 'customisation'],
  );
  assert.deepEqual(image.repoTags, ['x:latest']);
  assert.equal(image.sequential, false);
  assert.deepEqual(
    config.history.map(({ comment }: { comment: string }) => comment),
    ['one', 'two', 'custom'].map(name => `store paths: ['${at(name)}']`),
  );
  const created = '2024-01-02T03:04:05+00:00';
  assert.ok(config.history.every((entry: { created: string }) => entry.created === created));
  const { history: _, rootfs, ...rest } = config;
  assert.deepEqual(rest, {
    created,
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['A=own', 'B=2'], Cmd: ['x'] },
  });
  assert.deepEqual(Object.keys(rootfs), ['diff_ids', 'type']);
  assert.equal(rootfs.diff_ids[2], sha256(customLayer));
});

test('files have the owner and the time that the conf.json says', async t => {
  const owner = { uid: '7', gid: 8, uname: 'u', gname: 'g' };
  const { at, image } = await read(t, { conf: { ...owner, mtime: '1970-01-01T00:01:40Z' } });
  const tar = await collect(image.layers[0]?.source.open() ?? assert.fail());
  const members = [];
  for await (const { type, path, uid, gid, uname, gname, mtime } of readTar(streamOf(tar), 'x')) {
    members.push({ type, path, uid, gid, uname, gname, mtime });
  }
  const all = { uid: 7, gid: 8, uname: 'u', gname: 'g', mtime: 100 };
  assert.deepEqual(members, [
    { type: 'directory', path: '/nix', ...all },
    { type: 'directory', path: '/nix/store', ...all },
    { type: 'file', path: at('one'), ...all },
  ]);
  const dialect = { ...pythonDialect, ...all };
  assert.equal(image.layers[0]?.key, streamedKey([at('one')], dialect));
  const { image: plain } = await read(t);
  const later = { ...pythonDialect, mtime: Date.parse('2024-01-02T03:04:05Z') / 1000 };
  const [path = ''] = plain.layers[0]?.storePaths ?? [];
  assert.equal(
    plain.layers[0]?.key,
    streamedKey([path], later),
    'the time of files is that of the image',
  );
});

test('a base image comes first, and its variables before those of the image', async t => {
  const { image, config } = await read(t, { base: ['A=base', 'C=3', 'D'] });
  assert.equal(image.layers.length, 4);
  assert.equal(config.rootfs.diff_ids[0], sha256(baseLayer));
  assert.deepEqual(config.config.Env, ['A=own', 'C=3', 'D', 'B=2']);
  assert.equal(config.history[0].comment, "store paths: ['l.tar']");
  const bare = await read(t, { base: null, conf: { config: { Cmd: ['x'] } } });
  assert.deepEqual(bare.config.config, { Cmd: ['x'] });
  const odd = await read(t, { base: [5], conf: { config: {} } });
  assert.deepEqual(odd.config.config, {});
  const inherited = await read(t, { base: ['A=base'], conf: { config: { Cmd: ['y'] } } });
  assert.deepEqual(inherited.config.config, { Cmd: ['y'], Env: ['A=base'] });
  assert.equal(image.sequential, false);
  await image.close();
});

for (const [how, pack] of [
  ['gzip', (tar: Buffer) => gzipSync(tar)],
  ['xz', (tar: Buffer) => execFileSync('xz', { input: tar })],
  ['bzip2', (tar: Buffer) => execFileSync('bzip2', { input: tar })],
] as const) {
  test(`a base image that is packed by ${how} is read once, from its start`, async t => {
    const { image } = await read(t, { base: ['A=base'], pack });
    assert.equal(image.sequential, true);
    const [base] = image.layers;
    assert.ok((await collect(base?.source.open() ?? assert.fail())).equals(baseLayer));
    await image.close();
  });
}

test('the kind of machine is that of the conf.json', async t => {
  const { config } = await read(t, { conf: { architecture: 'arm', variant: 'v7', os: 'linux' } });
  assert.deepEqual([config.architecture, config.variant, config.os], ['arm', 'v7', 'linux']);
  assert.ok(!('variant' in (await read(t)).config));
});

test('what was customised must have the sum that is written beside it', async t => {
  await assert.rejects(read(t, { checksum: 'none' }), /checksum does not .* it holds no sha256/);
  await assert.rejects(read(t, { checksum: `${'a'.repeat(65)}` }), /it holds no sha256/);
  const { image } = await read(t, { checksum: 'a'.repeat(64) });
  const [, , custom] = image.layers;
  await assert.rejects(collect(custom?.source.open() ?? assert.fail()), /does not have the digest/);
  assert.equal(custom?.source.uncompressedSize, customLayer.length);
});

test('times are read as Python reads and writes them', async () => {
  const read = (text: string) => readMoment(text, async () => 86_400, 'x');
  const at = Date.parse('2024-01-02T03:04:05Z') / 1000;
  for (const [text, seconds, written] of [
    ['2024-01-02T03:04:05Z', at, '2024-01-02T03:04:05+00:00'],
    ['2024-01-02 03:04:05', at, '2024-01-02T03:04:05+00:00'],
    ['2024-01-02T03:04', at - 5, '2024-01-02T03:04:00+00:00'],
    ['2024-01-02T05:04:05+02:00', at, '2024-01-02T05:04:05+02:00'],
    ['2024-01-02T05:04:05+0200', at, '2024-01-02T05:04:05+02:00'],
    ['2024-01-02T03:04:05.25Z', at, '2024-01-02T03:04:05.250000+00:00'],
    ['2024-01-02T03:04:05,1234567Z', at, '2024-01-02T03:04:05.123456+00:00'],
    ['2024-01-02T03:04:05.000Z', at, '2024-01-02T03:04:05+00:00'],
    ['1969-12-31T23:59:59.5Z', -1, '1969-12-31T23:59:59.500000+00:00'],
    ['now', 86_400, '1970-01-02T00:00:00+00:00'],
  ] as const) {
    assert.deepEqual(await read(text), { seconds, text: written }, text);
  }
  for (const wrong of [
    '',
    'Now',
    '2024',
    '2024-01-02',
    '2024-13-02T03:04:05Z',
    '2024-01-02T03:04:05+2',
  ]) {
    await assert.rejects(read(wrong), /x does not .* its created or mtime is no time/, wrong);
  }
});
