// What the memory finds layers by. A value here changes together with the format version of
// src/image/keys.ts and for no other reason (CONTRIBUTING, "Golden values").
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobKey, rootKey, streamedKey } from '../../../src/image/keys.ts';
import { goDialect, pythonDialect } from '../../../src/image/tar-header.ts';
import { fixedPath } from './fixed.ts';

const paths = [fixedPath('glibc-2.40'), fixedPath('bash-5.2'), fixedPath('python3-3.12.8')];
const directory = { path: '/tmp', mode: '1777', uid: 0, gid: 0 };
const root = { roots: paths, directories: [directory] };

test('the key of a layer of store paths', () => {
  assert.equal(blobKey(paths), '52c75b23d08092ef3e15744ca1ed1b75f441b24cfa84fe34160339596ee527b9');
  assert.equal(blobKey([...paths].reverse()), blobKey(paths));
  assert.equal(blobKey([...paths, paths[0] ?? '']), blobKey(paths));
  assert.equal(blobKey([]), '50b23722d749bae985ef87ceb45816fbd43b273f8c52f486e1e650c79bbfcb92');
});

test('the key of a root layer, with each field of a directory', () => {
  assert.equal(
    rootKey({ roots: [], directories: [] }),
    '65630409fde5bbcb470507f32a744c36f1d8e4ca93889b0d08b2483c57c6dca1',
  );
  assert.equal(
    rootKey({ ...root, directories: [] }),
    'd0b191f33b31c16fa673943acd57e0a73ca861ba1ff8c3189e8cbd3611b0b8cc',
  );
  assert.equal(rootKey(root), 'f76e7351bc858ae4abcc607b8fbd034a92b907aab4d9497db4d8d8e02a0449cb');
  const withField = (field: Partial<typeof directory>) =>
    rootKey({ ...root, directories: [{ ...directory, ...field }] });
  assert.equal(
    withField({ path: '/run' }),
    'e509d0ea1951dcbb9df7e99874f6e47760a803c369a1488cc84ef1b8d5cf92a4',
  );
  assert.equal(
    withField({ mode: '0755' }),
    '27dc4abd79300baae208723f279f6d37f259e30ec6d4070e3c54cfc90e34bd8e',
  );
  assert.equal(
    withField({ uid: 1000 }),
    '093393110757aa4b9d5ec44b12f075ae62802bcf58fa7512c56ab007c0efdf65',
  );
  assert.equal(
    withField({ gid: 1000 }),
    '44000b09f0818d8ebcd82f67ac0aae87bcf199bad0e6d91d838088298c959447',
  );
});

test('folders are part of the key where there are some: where, of what, and in which order', () => {
  const [one = '', other = ''] = paths;
  const from = [
    { outPath: one, below: '' },
    { outPath: other, below: 'lib' },
  ];
  const folders = [
    { at: '/opt/b', from },
    { at: '/opt/a', from },
  ];
  const key = rootKey({ ...root, folders });
  assert.equal(key, 'd1ffa6b12cc30d92f904f45769f300d13c4403a6ac1bbf864388e974e427b5c4');
  assert.equal(rootKey({ ...root, folders: [] }), rootKey(root));
  assert.equal(rootKey({ ...root, folders: folders.toReversed() }), key);
  const others = [
    [{ at: '/opt/c', from }],
    [{ at: '/opt/b', from: from.toReversed() }],
    [{ at: '/opt/b', from: [{ outPath: one, below: 'lib' }, ...from.slice(1)] }],
    [{ at: '/opt/b', from: from.slice(1) }],
    folders.slice(0, 1),
  ].map(changed => rootKey({ ...root, folders: changed }));
  assert.equal(new Set([key, rootKey(root), ...others]).size, others.length + 2);
});

test('the order of roots and directories is no part of the key', () => {
  const more = [directory, { ...directory, path: '/a' }, { ...directory, path: '/z' }];
  const key = rootKey({ roots: paths, directories: more });
  assert.equal(key, '1315d614336dbf65a366627f9127845a44b71dc49b8285951bab3ed927ee153c');
  const other = { roots: [...paths].reverse(), directories: [...more].reverse() };
  assert.equal(rootKey(other), key);
});

test('the key of a layer as another tool writes it, with each field of its dialect', () => {
  assert.equal(
    streamedKey(paths, pythonDialect),
    '6594f3bf39fc69ca46f7751a7ef6fcb59be58149d620d6d4bb7a9b6450d3b914',
  );
  assert.equal(
    streamedKey([...paths].reverse(), pythonDialect),
    'cbfb6cba162beb2bd1017cf620718bef4727b312a7d258a51398a18107fbbcc1',
  );
  assert.equal(
    streamedKey(paths, goDialect),
    '7365fd7f120326997475f377efb171eb28ea04220bb4bab133dfc47c062c2910',
  );
  const changes = {
    rootPrefix: '',
    uid: 1,
    gid: 1,
    uname: 'user',
    gname: 'users',
    mtime: 2,
    canonicalModes: true,
    splitNames: true,
    habits: 'go',
    recordSize: 512,
  } as const;
  assert.deepEqual(Object.keys(changes).sort(), Object.keys(pythonDialect).sort());
  const keys = Object.entries(changes).map(([field, value]) =>
    streamedKey(paths, { ...pythonDialect, [field]: value }),
  );
  assert.equal(new Set([...keys, streamedKey(paths, pythonDialect)]).size, keys.length + 1);
});
