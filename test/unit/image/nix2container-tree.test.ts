// Where nix2container's options put the files of store paths, and with which owners.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { framePool } from '../../../src/image/frames.ts';
import { nix2container } from '../../../src/image/sources/nix2container.ts';
import { readTar } from '../../../src/image/tar-reader.ts';
import { tarOf } from '../../tools/small-image.ts';
import { collect, filesIn, hashed, streamOf, temporaryFolder } from './fixtures.ts';

const packing = { compression: 'none' as const, pool: framePool(1) };
const anyDigest = `sha256:${'0'.repeat(64)}`;
const plain = 'application/vnd.oci.image.layer.v1.tar';

/** A store with these files, and an image of one layer of paths, with options that may name the store. */
function storeWith(t: TestContext, files: Record<string, string | { link: string }>) {
  const folder = temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    const path = `${folder}/${hashed('')}${name}`;
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === 'string') {
      writeFileSync(path, content);
      chmodSync(path, 0o644);
    } else symlinkSync(content.link, path);
  }
  return folder;
}

interface Layer {
  paths?: { path: string; options?: object }[] | undefined;
  [field: string]: unknown;
}

async function open(folder: string, layers: Layer[], fields: object = {}) {
  const file = `${folder}/${hashed('image.json')}`;
  const all = layers.map(layer => ({ diff_ids: anyDigest, mediatype: plain, ...layer }));
  writeFileSync(file, JSON.stringify({ 'image-config': {}, layers: all, ...fields }));
  return nix2container(await filesIn(folder, file), packing);
}

/** A layer's bytes, once its digest is known. */
async function layerTar(folder: string, paths: Layer['paths']) {
  const digest = await digestOf(folder, paths);
  const image = await open(folder, [{ paths, diff_ids: digest }]);
  return collect(image.layers[0]?.source.open() ?? assert.fail());
}

/** The members of a layer. */
async function tree(folder: string, paths: Layer['paths']) {
  const tar = await layerTar(folder, paths);
  const found: string[] = [];
  for await (const member of readTar(streamOf(tar), 'layer')) {
    const { type, path, mode, uid, gid, uname, gname } = member;
    found.push(`${type} ${path} ${mode.toString(8)} ${uid}:${gid} ${uname}:${gname}`);
  }
  return found;
}

/** What the error at the end says that the layer has. */
async function digestOf(folder: string, paths: Layer['paths']): Promise<string> {
  const image = await open(folder, [{ paths }]);
  const error = await collect(image.layers[0]?.source.open() ?? assert.fail()).then(
    () => assert.fail('it has the digest of nothing'),
    (reason: { details?: { evidence?: string[] } }) => reason,
  );
  const [, found] = error.details?.evidence ?? [];
  if (found === undefined) throw error;
  return found.replace(/^found +/, '');
}

const at = (folder: string, name: string, options?: object) => ({
  path: `${folder}/${hashed(name)}`,
  ...(options === undefined ? {} : { options }),
});

/** A group in a replacement. */
const braced = (group: number) => `$\{${group}}`;

const rewriteTo = (folder: string, name: string, repl: string) => ({
  rewrite: { regex: `^${folder}/${hashed(name)}`, repl },
});

test('files are where the store has them, with their folders, sorted', async t => {
  const folder = storeWith(t, { 'pkg/b': 'b', 'pkg/a/c': 'c', 'pkg/link': { link: 'b' } });
  const found = await tree(folder, [at(folder, 'pkg')]);
  const names = found.map(line => line.split(' ').slice(0, 3).join(' '));
  const own = `${folder}/${hashed('pkg')}`;
  const parents = folder
    .split('/')
    .map((_, end, parts) => parts.slice(0, end + 1).join('/') || '/');
  assert.deepEqual(names, [
    ...parents.map(path => `directory ${path === '/' ? '' : path} 755`),
    `directory ${own} 755`,
    `directory ${own}/a 755`,
    `file ${own}/a/c 644`,
    `file ${own}/b 644`,
    `symlink ${own}/link 777`,
  ]);
});

test('a rewrite moves files, by groups of what it finds, and may name none', async t => {
  const folder = storeWith(t, { 'pkg/one.txt': '1', 'pkg/two.md': '2' });
  const regex = `^${folder}/[^/]*/(\\w+)\\.(\\w+)$`;
  const paths = (repl: string) => [at(folder, 'pkg', { rewrite: { regex, repl } })];
  const files = async (repl: string) =>
    (await tree(folder, paths(repl)))
      .filter(line => line.startsWith('file'))
      .map(line => line.split(' ')[1]);
  assert.deepEqual(await files('out/$2/$1'), ['out/md/two', 'out/txt/one']);
  assert.deepEqual(await files(`out/${braced(2)}-${braced(1)}$7$$`), [
    'out/md-two$',
    'out/txt-one$',
  ]);
  assert.deepEqual(await files('./a//$1/.'), ['a/one', 'a/two']);
});

test('what is ignored is left out with all that is in it', async t => {
  const folder = storeWith(t, { 'pkg/keep/x': 'x', 'pkg/drop/y': 'y', 'pkg/z.pyc': '' });
  const ignoreDestination = '(/drop|\\.pyc)$';
  const options = { ...rewriteTo(folder, 'pkg', '/app'), ignoreDestination };
  const found = await tree(folder, [at(folder, 'pkg', options)]);
  assert.deepEqual(
    found.map(line => line.split(' ')[1]),
    ['', '/app', '/app/keep', '/app/keep/x'],
  );
});

test('permissions are given where their expression fits, the last one last', async t => {
  const folder = storeWith(t, { 'pkg/a': 'a', 'pkg/b': 'b' });
  const perms = [
    { regex: '.*', mode: '0640', uid: 7, gid: 8, uname: 'u', gname: 'g' },
    { regex: '/b$', orMode: '0011', uid: 9, gid: 10 },
  ];
  const found = await tree(folder, [
    at(folder, 'pkg', { ...rewriteTo(folder, 'pkg', 'x'), perms }),
  ]);
  assert.deepEqual(found, [
    'directory x 640 7:8 u:g',
    'file x/a 640 7:8 u:g',
    'file x/b 651 9:10 u:g',
  ]);
  const bare = await tree(folder, [at(folder, 'pkg', rewriteTo(folder, 'pkg', 'x'))]);
  assert.equal(bare.at(-1), 'file x/b 644 0:0 root:root');
});

test('two paths meet in folders, and in files that are alike', async t => {
  const folder = storeWith(t, { 'one/bin/a': 'same', 'two/bin/a': 'same', 'two/bin/b': 'b' });
  const both = (name: string) => at(folder, name, rewriteTo(folder, name, 'usr'));
  const found = await tree(folder, [both('one'), both('two')]);
  assert.deepEqual(
    found.map(line => line.split(' ')[1]),
    ['usr', 'usr/bin', 'usr/bin/a', 'usr/bin/b'],
  );
});

test('of two paths that bring one link or one file, the later one has it, as in nix2container', async t => {
  const files = {
    ...{ 'one/x': { link: 'to' }, 'two/x': { link: 'far/away' } },
    ...{ 'one/y': 'one', 'two/y': 'two' },
  };
  const folder = storeWith(t, files);
  const perms = [{ regex: '/y$', mode: '0640', uid: 7, gid: 8, uname: '', gname: '' }];
  const path = (name: string, options = {}) =>
    at(folder, name, { ...rewriteTo(folder, name, 'usr'), ...options });
  const found = async (paths: Layer['paths']) => {
    const tar = await layerTar(folder, paths);
    const members: string[] = [];
    for await (const { path, target, content, mode, uid } of readTar(streamOf(tar), 'layer')) {
      const bytes = await collect(content());
      members.push(`${path} ${target || bytes} ${mode.toString(8)} ${uid}`);
    }
    return members.slice(1);
  };
  assert.deepEqual(await found([path('one'), path('two')]), [
    'usr/x far/away 777 0',
    'usr/y two 644 0',
  ]);
  assert.deepEqual(await found([path('two'), path('one', { perms })]), [
    'usr/x to 777 0',
    'usr/y one 640 7',
  ]);
});

test('one place of two different files is refused, whatever differs', async t => {
  const files = {
    ...{ 'one/x': 'one', 'longer/x': 'longer', 'mode/x': 'one' },
    ...{ 'folder/x/y': '', 'link/x': { link: 'to' } },
  };
  const folder = storeWith(t, files);
  chmodSync(`${folder}/${hashed('mode')}/x`, 0o755);
  const path = (name: string) => at(folder, name, rewriteTo(folder, name, 'usr'));
  for (const [a, b] of [
    ['one', 'longer'],
    ['one', 'mode'],
    ['one', 'folder'],
    ['folder', 'link'],
  ] as const) {
    await assert.rejects(
      tree(folder, [path(a), path(b)]),
      /^Failure: usr\/x comes from two different files\.$/,
      `${a} and ${b}`,
    );
  }
});

test('a name longer than systems have is refused', async t => {
  const folder = storeWith(t, { pkg: '' });
  // what is found is written twice
  const named = (length: number) => {
    const regex = `^(${folder}/${hashed('pkg')})`;
    const repl = braced(1).repeat(2) + 'x'.repeat(length - 2 * at(folder, 'pkg').path.length);
    return tree(folder, [at(folder, 'pkg', { rewrite: { regex, repl } })]);
  };
  await named(4096);
  const longer = named(4097);
  await assert.rejects(longer, /layer 1 of .* a name in it has more than 4096 bytes/);
});

test('a layer may be a file already, packed as its type says', async t => {
  const tar = tarOf([['a', 'hello']]);
  const folder = storeWith(t, {});
  for (const [type, bytes] of [
    [plain, tar],
    [`${plain}+gzip`, gzipSync(tar)],
  ] as const) {
    const file = `${folder}/${hashed('layer.tar')}`;
    writeFileSync(file, bytes);
    const layer = { 'layer-path': file, mediatype: type };
    const image = await open(folder, [layer]);
    const found = await collect(image.layers[0]?.source.open() ?? assert.fail()).then(
      () => assert.fail('it was not checked'),
      (error: { details: { evidence: string[] } }) => error.details.evidence[1]?.slice(9),
    );
    const right = await open(folder, [{ ...layer, diff_ids: found }]);
    const read = await collect(right.layers[0]?.source.open() ?? assert.fail());
    assert.ok(read.equals(tar));
  }
  await assert.rejects(open(folder, [{ 'layer-path': `${folder}/gone` }]), /gone/);
});

test('what an image says of itself', async t => {
  const folder = storeWith(t, { pkg: '' });
  const layer = { paths: [at(folder, 'pkg')], History: { comment: 'mine' } };
  const created = '2024-01-02T03:04:05Z';
  const fields = { 'image-config': { Cmd: ['x'] }, arch: 'arm64', created };
  const image = await open(folder, [layer, { paths: layer.paths }], fields);
  const config = JSON.parse(image.config([anyDigest, anyDigest]).toString());
  assert.deepEqual(config, {
    created,
    architecture: 'arm64',
    os: 'linux',
    config: { Cmd: ['x'] },
    rootfs: { type: 'layers', diff_ids: [anyDigest, anyDigest] },
    history: [{ comment: 'mine' }, { created_by: 'nix2container' }],
  });
  assert.deepEqual(
    image.layers.map(({ name, storePaths }) => [name, storePaths]),
    [1, 2].map(number => [
      `layer ${number} of ${folder}/${hashed('image.json')}`,
      [`${folder}/${hashed('pkg')}`],
    ]),
  );
  const bare = JSON.parse((await open(folder, [layer])).config([anyDigest]).toString());
  assert.equal(bare.architecture, 'amd64');
  assert.equal('created' in bare, false);
  await assert.rejects(
    open(folder, [{ paths: [] }]),
    /layer 1 of .* neither paths nor a layer-path/,
  );
  await assert.rejects(
    open(folder, [{ paths: [at(folder, 'pkg', { ignoreDestination: '(' })] }]),
    /its expression \( is not understood/,
  );
});
