import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { compressionOfMediaType } from '../../../src/image/oci/layer-types.ts';
import { type OpenSourceOptions, openSource } from '../../../src/image/sources/detect.ts';
import { findLayeredConf } from '../../../src/image/sources/layered-conf.ts';
import { readNix2container } from '../../../src/image/sources/nix2container-json.ts';
import type { SourceFiles } from '../../../src/image/sources/source-files.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import {
  fillLayout,
  type SmallLayout,
  sha256,
  smallConfig,
  smallLayer,
  startLayout,
  tarOf,
} from '../../tools/small-image.ts';
import { collect, filesAt, filesIn, hashed, temporaryFolder } from './fixtures.ts';

const options = {
  packing: { compression: 'zstd' as const, pool: framePool(1) },
  now: async () => 0,
  runPrograms: false,
  env: {},
  platform: linuxOn('amd64'),
};
const unpacked = { ...options, packing: { ...options.packing, compression: 'none' as const } };

/** Opens an image and reads all of its layers. */
async function readAll(files: SourceFiles, how: OpenSourceOptions = options) {
  const image = await openSource(files, how);
  const diffIds: string[] = [];
  for (const { source } of image.layers) {
    const blob = source.open();
    await collect(blob);
    diffIds.push(blob.result().diffId);
  }
  image.config(diffIds);
  await image.close();
  return diffIds;
}

function layoutIn(t: TestContext): SmallLayout {
  return startLayout(`${temporaryFolder(t)}/layout`);
}

const readLayout = async ({ folder }: SmallLayout) => readAll(await filesAt(folder));

test('a layout is read; a layer without a byte is a layer', async t => {
  const layout = layoutIn(t);
  fillLayout(layout, [smallLayer, Buffer.alloc(0)]);
  assert.deepEqual(await readLayout(layout), [sha256(smallLayer), sha256('')]);
  assert.equal((await readAll(await filesAt(layout.folder), unpacked)).length, 2);
});

test('an empty blob that should be more is refused', async t => {
  for (const type of [mediaTypes.layer.none, mediaTypes.layer.gzip, mediaTypes.layer.zstd]) {
    const layout = layoutIn(t);
    const { manifest } = fillLayout(layout);
    const layers = [layout.put('', type)];
    layout.index([layout.put(JSON.stringify({ ...manifest, layers }), mediaTypes.manifest)]);
    await assert.rejects(readLayout(layout), /does not have the digest|ends too early/, type);
  }
});

/** What others write into the descriptor of a layer. */
const wrongLayers: [string, object][] = [
  ['a digest that leaves the folder', { digest: 'sha256:../../../../etc/passwd' }],
  ['a digest of another kind', { digest: `sha512:${'0'.repeat(128)}` }],
  ['a digest that is no text', { digest: 1 }],
  ['a size below zero', { size: -5 }],
  ['a size with a fraction', { size: 10240.5 }],
  ['a size beyond all blobs', { size: 2 ** 60 }],
  ['a size that is text', { size: '3' }],
  ['the media type constructor', { mediaType: 'constructor' }],
  ['the media type __proto__', { mediaType: '__proto__' }],
  ['a media type with control characters', { mediaType: 'a/\u001b[31m\n::error::x' }],
  ['a media type that is unknown', { mediaType: 'text/html' }],
];

for (const [what, change] of wrongLayers) {
  test(`a layer with ${what} is refused in one sentence`, async t => {
    const layout = layoutIn(t);
    const { manifest } = fillLayout(layout);
    const layers = [{ ...manifest.layers[0], ...change }];
    layout.index([layout.put(JSON.stringify({ ...manifest, layers }), mediaTypes.manifest)]);
    await assert.rejects(readLayout(layout), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error));
      assert.ok(!error.message.includes('\x1b') && !error.message.includes('\n'));
      return true;
    });
  });
}

test('media types are looked up as names, whatever JavaScript calls so', () => {
  for (const type of ['constructor', '__proto__', 'toString', 'hasOwnProperty', '']) {
    assert.throws(() => compressionOfMediaType(type, 'x'), /unknown media type/, type);
  }
});

for (const [what, index, expected] of [
  ['null', 'null', /it is no JSON object/],
  ['null in a list', '{"manifests":[null]}', /manifest 1 of its index is no descriptor/],
  ['no JSON', 'root:$6$secret', /it is no JSON/],
  ['too deep', '['.repeat(200_000), /more than 100 levels/],
  ['no list', '{"manifests":{}}', /its index has no list of manifests/],
] as const) {
  test(`an index that is ${what} is refused, and not quoted`, async t => {
    const layout = layoutIn(t);
    writeFileSync(`${layout.folder}/index.json`, index);
    await assert.rejects(readLayout(layout), (error: Error) => {
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

test('an index that is larger than any is not read', async t => {
  const layout = layoutIn(t);
  writeFileSync(`${layout.folder}/index.json`, '');
  truncateSync(`${layout.folder}/index.json`, 700 << 20);
  await assert.rejects(readLayout(layout), /larger than 16 MB/);
});

test('a layout of more layers than engines take is refused, one of as many is not', async t => {
  const layout = startLayout(temporaryFolder(t));
  fillLayout(layout, new Array(125).fill(smallLayer));
  assert.equal((await readAll(await filesAt(layout.folder))).length, 125);
  fillLayout(layout, new Array(126).fill(smallLayer));
  await assert.rejects(
    readAll(await filesAt(layout.folder)),
    /layers of its manifest: the image has 126 layers; container engines take 125\./,
  );
});

test('indexes within each other end', async t => {
  const layout = layoutIn(t);
  let { descriptor } = fillLayout(layout);
  const platform = { architecture: 'amd64', os: 'linux' };
  const wrap = () => {
    const index = { schemaVersion: 2, manifests: [{ ...descriptor, platform }] };
    descriptor = layout.put(JSON.stringify(index), mediaTypes.index);
    layout.index([descriptor]);
  };
  for (let depth = 0; depth < limits.nestedIndexes; depth += 1) wrap();
  assert.equal((await readLayout(layout)).length, 1);
  wrap();
  await assert.rejects(readLayout(layout), /indexes lie within each other/);
});

test('an index of several platforms gives the one for Linux', async t => {
  const layout = layoutIn(t);
  const { descriptor } = fillLayout(layout);
  const other = { ...descriptor, digest: sha256('windows') };
  const index = {
    manifests: [
      { ...other, platform: { architecture: 'amd64', os: 'windows' } },
      { ...other, platform: { architecture: 'unknown', os: 'unknown' } },
      { ...descriptor, platform: { architecture: 'amd64', os: 'linux' } },
    ],
  };
  layout.index([layout.put(JSON.stringify(index), mediaTypes.index)]);
  assert.equal((await readLayout(layout)).length, 1);
});

test('blobs that are links out of the layout, pipes or folders are refused', async t => {
  const layout = layoutIn(t);
  const { manifest } = fillLayout(layout);
  const blob = `${layout.folder}/blobs/${manifest.layers[0]?.digest.replace(':', '/')}`;
  writeFileSync(`${layout.folder}/../same`, smallLayer);
  rmSync(blob);
  symlinkSync('/etc/passwd', blob);
  await assert.rejects(readLayout(layout), /is not part of the image/);
  rmSync(blob);
  symlinkSync('../../../same', blob);
  await assert.rejects(readLayout(layout), /is not part of the image/);
  rmSync(blob);
  execFileSync('mkfifo', [blob]);
  await assert.rejects(readLayout(layout), /is a pipe/);
  rmSync(blob);
  mkdirSync(blob);
  await assert.rejects(readLayout(layout), /is a folder/);
});

test('a blob that unpacks to another layer is not finished', async t => {
  const layout = layoutIn(t);
  const { manifest } = fillLayout(layout);
  const other = zstdCompressSync(tarOf([['b', 'other']]));
  const layers = [layout.put(other, mediaTypes.layer.zstd)];
  layout.index([layout.put(JSON.stringify({ ...manifest, layers }), mediaTypes.manifest)]);
  await assert.rejects(readLayout(layout), /does not have the digest/);
});

/** A store with a conf.json, the script that names it, and what it names. */
function layered(t: TestContext, change: object = {}) {
  const store = temporaryFolder(t);
  const custom = `${store}/${hashed('custom')}`;
  mkdirSync(custom);
  writeFileSync(`${custom}/layer.tar`, smallLayer);
  writeFileSync(`${custom}/checksum`, `${sha256(smallLayer).slice('sha256:'.length)}\n`);
  writeFileSync(`${store}/${hashed('one')}`, 'one');
  const conf = {
    architecture: 'amd64',
    config: {},
    store_dir: store,
    from_image: null,
    store_layers: [[`${store}/${hashed('one')}`]],
    customisation_layer: custom,
    repo_tag: 'x:latest',
    created: '1970-01-01T00:00:01Z',
    ...change,
  };
  writeFileSync(`${store}/${hashed('x-conf.json')}`, JSON.stringify(conf));
  const script = `${store}/${hashed('stream-x')}`;
  writeFileSync(script, `#!/bin/sh\nexec stream ${store}/${hashed('x-conf.json')}\n`);
  chmodSync(script, 0o755);
  return { store, script };
}

test('a conf.json of the store is read; from outside of a store it names nothing', async t => {
  const { store, script } = layered(t);
  assert.equal((await readAll(await filesIn(store, script))).length, 2);
  await assert.rejects(readAll(await filesAt(script)), /x-conf\.json is not part of the image/);
});

const wrongConfs: [string, object, RegExp][] = [
  ['host files as a layer', { store_layers: [['/etc/shadow']] }, /no store path/],
  [
    'all of the machine as the store',
    { store_dir: '/', store_layers: [['/etc/shadow']] },
    /no store path/,
  ],
  ['dots in a path', { store_layers: [['/nix/store/../../etc/shadow']] }, /no store path/],
  ['a device', { store_dir: '/dev', store_layers: [['/dev/zero']] }, /no store path/],
  ['a base of the machine', { from_image: '/etc/passwd' }, /not part of the image/],
  ['a base that is a number', { from_image: 5 }, /its field from_image/],
  ['a customisation of the machine', { customisation_layer: '/etc' }, /not part of the image/],
  [
    'a customisation by dots',
    { customisation_layer: '/nix/store/../../tmp' },
    /not part of the image/,
  ],
  [
    'more layers than engines take',
    { store_layers: new Array(125).fill([]) },
    /x-conf\.json, store_layers: the image has 126 layers; container engines take 125\./,
  ],
  ['layers of null', { store_layers: [null] }, /its field store_layers\.0/],
  ['an owner that is no number', { uid: 'abc' }, /its field uid/],
  ['an owner beyond all', { gid: 1e300 }, /its field gid/],
  ['an owner name that is a number', { uname: 5 }, /its field uname/],
  ['a time that is a list', { mtime: [1] }, /its field mtime/],
  ['a time that is none', { created: 'yesterday' }, /its created or mtime is no time/],
  ['a tag with commands', { repo_tag: '\u001b[31m::error::x' }, /its field repo_tag/],
  ['an architecture with a line break', { architecture: 'a\nb' }, /its field architecture/],
];

for (const [what, change, expected] of wrongConfs) {
  test(`a conf.json with ${what} is refused`, async t => {
    const { store, script } = layered(t, change);
    await assert.rejects(readAll(await filesIn(store, script)), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error));
      assert.match(error.message, expected);
      return true;
    });
  });
}

test('the conf.json is found in scripts of all kinds, and no script takes long', () => {
  const path = `/nix/store/${hashed('x-conf.json')}`;
  for (const script of [
    `exec x ${path}`,
    `exec x "${path}"`,
    `a=${path}\n`,
    `${path}x ${path} y`,
  ]) {
    assert.equal(findLayeredConf(script), path, script);
  }
  for (const script of ['', 'x-conf.json', '/-conf.json', `${path}x`, hashed('x-conf.json')]) {
    assert.equal(findLayeredConf(script), undefined, script);
  }
  for (const piece of ['/', `/${'0'.repeat(32)}-`, '/a-conf.json', 'x-conf.json', '/ ']) {
    const script = piece.repeat((256 << 10) / piece.length);
    assert.equal(findLayeredConf(script), undefined, piece);
  }
});

const layerOf = (more: object) => ({
  diff_ids: sha256(smallLayer),
  mediatype: mediaTypes.layer.none,
  ...more,
});
const describe = (layers: unknown[], more: object = {}) =>
  JSON.stringify({ version: 1, 'image-config': {}, layers, arch: 'amd64', ...more });

const wrongDescriptions: [string, string, RegExp][] = [
  [
    'a path of the machine',
    describe([layerOf({ paths: [{ path: '/etc/shadow' }] })]),
    /no store path/,
  ],
  [
    'dots in a path',
    describe([layerOf({ paths: [{ path: '/nix/store/../../etc' }] })]),
    /no store path/,
  ],
  [
    'a file of the machine',
    describe([layerOf({ 'layer-path': '/etc/passwd' })]),
    /not part of the image/,
  ],
  ['a layer of null', describe([null]), /its field layers\.0/],
  [
    'more layers than engines take',
    describe(new Array(126).fill(layerOf({ paths: [{ path: '/x' }] }))),
    /image\.json, layers: the image has 126 layers; container engines take 125\./,
  ],
  ['nothing', '{}', /its field image-config/],
  ['a config of null', describe([], { 'image-config': null }), /its field image-config/],
  ['a date of null bytes', describe([], { created: '\0' }), /its field created/],
  ['levels without end', '{"a":'.repeat(100_000), /more than 100 levels/],
  [
    'a mode that is no number',
    describe([
      layerOf({ paths: [{ path: '/x', options: { perms: [{ regex: '', mode: 'rwx' }] } }] }),
    ]),
    /its field layers\.0\.paths\.0\.options\.perms\.0\.mode/,
  ],
  [
    'an expression that is none',
    describe([layerOf({ paths: [{ path: '/x', options: { rewrite: { regex: '(' } } }] })]),
    /its expression \( is not understood/,
  ],
];

for (const [what, json, expected] of wrongDescriptions) {
  test(`JSON of nix2container with ${what} is refused`, async t => {
    const store = temporaryFolder(t);
    const file = `${store}/${hashed('image.json')}`;
    writeFileSync(file, json);
    await assert.rejects(readAll(await filesIn(store, file)), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error));
      assert.match(error.message, expected);
      return true;
    });
  });
}

test('expressions of nix2container are those of Go, and take no time to speak of', async () => {
  const path = (options: object) => describe([layerOf({ paths: [{ path: '/x', options }] })]);
  const read = async (options: object) => {
    const [layer] = (await readNix2container(path(options), 'image')).layers;
    const [found] = layer?.paths ?? [];
    assert.ok(found);
    return found;
  };
  const rewritten = async (regex: string, repl: string, file: string) =>
    (await read({ rewrite: { regex, repl } })).rewrite(file);
  assert.equal(
    await rewritten('^/nix/store/([a-z]+)', `/opt/$\{1}x`, '/nix/store/abc/d'),
    '/opt/abcx/d',
  );
  assert.equal(await rewritten('(a)(b)?', '<$2$1$9$$>', 'ab'), '<ba$>');
  assert.equal(await rewritten('a', '$1a', 'xax'), 'xx', 'a group of that name');
  assert.equal(await rewritten('(?i)A', 'b', 'aA'), 'bb');
  assert.equal(
    await rewritten('^(/|(\\w|/)+)+!$', '', `/${'a'.repeat(4000)}`),
    `/${'a'.repeat(4000)}`,
  );
  const { ignores } = await read({ ignoreDestination: '(a*)*b$' });
  assert.equal(ignores('a'.repeat(4000)), false);
});

test('a config of an image is checked where it is read', async t => {
  const layout = layoutIn(t);
  const { manifest } = fillLayout(layout);
  for (const config of [
    'null',
    '[]',
    '{"rootfs":{"diff_ids":[null]}}',
    '{"rootfs":{"diff_ids":"x"}}',
  ]) {
    const changed = { ...manifest, config: layout.put(config, mediaTypes.config) };
    layout.index([layout.put(JSON.stringify(changed), mediaTypes.manifest)]);
    await assert.rejects(readLayout(layout), /the config of .* does not describe an image/, config);
  }
  const two = layout.put(JSON.stringify(smallConfig([smallLayer, smallLayer])), mediaTypes.config);
  layout.index([layout.put(JSON.stringify({ ...manifest, config: two }), mediaTypes.manifest)]);
  await assert.rejects(readLayout(layout), /1 layers and 2 diffIDs/);
});
