import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { archiveFile, archiveStream } from '../../../src/image/sources/archive-image.ts';
import type { SourceImage } from '../../../src/image/sources/source-image.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { type SmallMember, sha256, smallConfig, tarOf } from '../../tools/small-image.ts';
import { collect, filesAt, streamOf, temporaryFolder } from './fixtures.ts';

const packing = { compression: 'none' as const, pool: framePool(1) };
const choice = { platform: linuxOn('amd64'), env: process.env };
const layers = ['one', 'two', 'three'].map(name => tarOf([[name, name]]));
const [one, two, three] = layers as [Buffer, Buffer, Buffer];
const config = JSON.stringify(smallConfig(layers));
const manifest = (changes: object = {}) =>
  JSON.stringify([{ Config: 'c.json', Layers: ['1.tar', '2.tar', '3.tar'], ...changes }]);

/** Layers before and behind what describes them, one of them packed. */
const members: SmallMember[] = [
  ['1.tar', one],
  ['c.json', config],
  ['manifest.json', manifest({ RepoTags: ['x:y', 'ghcr.io/o/x:z'] })],
  ['2.tar', gzipSync(two)],
  ['3.tar', three],
];

async function fromFile(t: TestContext, bytes: Buffer): Promise<SourceImage> {
  const file = `${temporaryFolder(t)}/image.tar`;
  writeFileSync(file, bytes);
  const files = await filesAt(file);
  return archiveFile(files, files.named, packing, choice);
}

const contents = async (image: SourceImage, order: readonly number[]) => {
  const found = new Map<number, string>();
  for (const at of order) {
    const blob = image.layers[at]?.source.open() ?? assert.fail();
    found.set(at, sha256(await collect(blob)));
  }
  return [...found].sort(([a], [b]) => a - b).map(([, digest]) => digest);
};

test('an archive is read, be it packed or not, from a file and from a stream', async t => {
  const tar = tarOf(members);
  for (const bytes of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
    const stream = await archiveStream(() => streamOf(bytes), 'stream', packing, choice);
    for (const image of [await fromFile(t, bytes), stream]) {
      assert.deepEqual(image.repoTags, ['x:y', 'ghcr.io/o/x:z']);
      assert.deepEqual(
        image.layers.map(({ name }) => name),
        ['1.tar', '2.tar', '3.tar'],
      );
      assert.deepEqual(
        image.layers.map(({ source: { open: _, ...known } }) => known),
        layers.map((layer, at) => ({
          mediaType: mediaTypes.layer.none,
          diffId: sha256(layer),
          ...(at === 1 ? {} : { uncompressedSize: layer.length }),
        })),
      );
      assert.deepEqual(await contents(image, [0, 1, 2]), layers.map(sha256));
      assert.equal(image.config(layers.map(sha256)).toString(), config);
      await image.close();
    }
  }
});

test('only a plain file gives its layers in any order without reading it again', async t => {
  const tar = tarOf(members);
  const file = await fromFile(t, tar);
  assert.equal(file.sequential, false);
  assert.deepEqual(await contents(file, [2, 0, 1]), layers.map(sha256));
  assert.equal((await fromFile(t, gzipSync(tar))).sequential, true);
});

test('a stream is read twice, and again only where what is wanted has passed', async () => {
  let opened = 0;
  let closed = 0;
  const open = async function* () {
    opened += 1;
    try {
      for (let at = 0; at < tar.length; at += 512) yield tar.subarray(at, at + 512);
    } finally {
      closed += 1;
    }
  };
  const tar = tarOf(members);
  const image = await archiveStream(open, 'stream', packing, choice);
  assert.equal(opened, 1);
  assert.deepEqual(await contents(image, [0, 1, 2]), layers.map(sha256));
  assert.equal(opened, 2);
  assert.deepEqual(await contents(image, [1, 0]), [one, two].map(sha256));
  assert.equal(opened, 4);
  await image.close();
  assert.equal(closed, 4, 'nothing stays open');
});

test('who asks while another layer is read waits for its end', async () => {
  const image = await archiveStream(() => streamOf(tarOf(members)), 'stream', packing, choice);
  const digests = await Promise.all(
    image.layers.map(async ({ source }) => sha256(await collect(source.open()))),
  );
  assert.deepEqual(digests, layers.map(sha256));
});

test('a reader that fails, or gives up, does not keep the others waiting', async () => {
  const image = await archiveStream(() => streamOf(tarOf(members)), 'stream', packing, choice);
  for await (const _ of image.layers[0]?.source.open() ?? []) break;
  assert.deepEqual(await contents(image, [0, 1]), [one, two].map(sha256));
  const reason = new Error('lost');
  let reads = 0;
  const failing = async function* (): AsyncGenerator<Buffer> {
    reads += 1;
    const tar = tarOf(members);
    if (reads !== 2) return yield tar;
    yield tar.subarray(0, 1024);
    throw reason;
  };
  const other = await archiveStream(failing, 'stream', packing, choice);
  await assert.rejects(contents(other, [0]), reason);
  assert.deepEqual(await contents(other, [0]), [sha256(one)]);
});

test('a stream that is another one when it is read again is told', async () => {
  let reads = 0;
  const changing = () => streamOf(tarOf(reads++ === 0 ? members : members.slice(1)));
  const image = await archiveStream(changing, 'stream', packing, choice);
  await assert.rejects(contents(image, [0]), /1\.tar is missing when it is read again/);
});

test('layers, config and manifest may be links, also to each other', async t => {
  const linked: SmallMember[] = [
    ['blobs/a', one],
    ['sub/1.tar', { link: '../blobs/a' }],
    ['1.tar', { link: 'sub/1.tar' }],
    ['real.json', config],
    ['c.json', { link: './real.json' }],
    ['listed', manifest({ Layers: ['1.tar', './sub/1.tar', '/1.tar'] })],
    ['manifest.json', { link: 'listed' }],
  ];
  const same = JSON.stringify(smallConfig([one, one, one]));
  const all = linked.map(
    (member): SmallMember => (member[0] === 'real.json' ? ['real.json', same] : member),
  );
  const image = await fromFile(t, tarOf(all));
  assert.deepEqual(
    image.layers.map(({ name }) => name),
    ['blobs/a', 'blobs/a', 'blobs/a'],
  );
  assert.deepEqual(await contents(image, [0, 1, 2]), [one, one, one].map(sha256));
});

test('links are followed so far, and no further', async t => {
  const chain = (length: number): SmallMember[] => [
    ...Array.from(
      { length },
      (_, at): SmallMember => [`link${at}`, { link: at === 0 ? '1.tar' : `link${at - 1}` }],
    ),
    ['manifest.json', manifest({ Layers: [`link${length - 1}`, '2.tar', '3.tar'] })],
  ];
  const rest = members.filter(([name]) => name !== 'manifest.json');
  assert.equal((await fromFile(t, tarOf([...rest, ...chain(40)]))).layers.length, 3);
  await assert.rejects(
    fromFile(t, tarOf([...rest, ...chain(41)])),
    /link40 is a link that leads to itself/,
  );
});

test('what is missing is named', async t => {
  const without = (name: string) => fromFile(t, tarOf(members.filter(([each]) => each !== name)));
  await assert.rejects(
    without('manifest.json'),
    /there is neither a manifest\.json nor an oci-layout in it/,
  );
  await assert.rejects(without('c.json'), /its config c\.json is missing/);
  await assert.rejects(without('2.tar'), /its layer 2\.tar is missing/);
  const replaced = (name: string, content: string) =>
    fromFile(t, tarOf(members.map(member => (member[0] === name ? [name, content] : member))));
  await assert.rejects(
    replaced('manifest.json', 'text'),
    /its description manifest\.json is no JSON/,
  );
  await assert.rejects(
    replaced('c.json', 'text'),
    /its config c\.json is no JSON of at most 16 MB/,
  );
  const fewer = replaced('manifest.json', manifest({ Layers: ['1.tar'] }));
  await assert.rejects(fewer, /it lists 1 layers and 3 diffIDs/);
});

test('names and tags of the largest size, and not one byte more', async t => {
  const named = (length: number) => {
    const folders = `${'n'.repeat(200)}/`.repeat(30);
    const name = `${folders.slice(0, length - 1)}x`;
    return fromFile(t, tarOf([...members, [name, 'unused']]));
  };
  assert.equal((await named(4096)).layers.length, 3);
  await assert.rejects(named(4097), /a name in it has more than 4096 bytes/);
  const linked = (length: number) =>
    fromFile(t, tarOf([...members, ['l', { link: 'n'.repeat(length) }]]));
  assert.equal((await linked(4096)).layers.length, 3);
  await assert.rejects(linked(4097), /a name in it has more than 4096 bytes/);
});
