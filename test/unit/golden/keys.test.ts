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
  assert.equal(blobKey(paths), '7f789a89eb0811e6367890d5e7c0ae79be8fced2f58d5abbaa3d99ff54451bdb');
  assert.equal(blobKey([...paths].reverse()), blobKey(paths));
  assert.equal(blobKey([...paths, paths[0] ?? '']), blobKey(paths));
  assert.equal(blobKey([]), '9b5bfd8717d4dda41b2108341a0c5dba3379b9d42f2ac15de95459d096bb0d36');
});

test('the key of a root layer, with each field of a directory', () => {
  assert.equal(
    rootKey({ roots: [], directories: [] }),
    '6d3e67d7198eb9729b079cc1e44cdef7cec7030611897a641c59b13877e57e5e',
  );
  assert.equal(
    rootKey({ ...root, directories: [] }),
    '86132f46c16dbabc416cab81c527e31a320c567d6b241ac58c5dadeb675d7589',
  );
  assert.equal(rootKey(root), 'a9b539ea531df0d8ca32631cc8a00c8f8b10d10f848588467cff16ca6da802e5');
  const withField = (field: Partial<typeof directory>) =>
    rootKey({ ...root, directories: [{ ...directory, ...field }] });
  assert.equal(
    withField({ path: '/run' }),
    'bc62cd1bb0dc5ac6eae15802506a2d1618bc435d3c326a224bc8efda5db5576d',
  );
  assert.equal(
    withField({ mode: '0755' }),
    '714160638e442d90667afb33934cd85c3a447a2468aac444f102e47be51e14b7',
  );
  assert.equal(
    withField({ uid: 1000 }),
    '4db383355e92da756680664abf150e76441ef55d4637c17100000b342dda5818',
  );
  assert.equal(
    withField({ gid: 1000 }),
    'd389162507be76fae40026dad1d6558087786c384a6e51dae20508079cbffd9c',
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
  assert.equal(key, 'e205ab65f86d40a0cf379053ead611a1129f196aabda8063c61bda7b86d72e1c');
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
  assert.equal(key, 'd02ddb390f7637202d4fd27049b2bd335ceb7218480accd7476447bf1cda3cf7');
  const other = { roots: [...paths].reverse(), directories: [...more].reverse() };
  assert.equal(rootKey(other), key);
});

test('the key of a layer as another tool writes it, with each field of its dialect', () => {
  assert.equal(
    streamedKey(paths, pythonDialect),
    '12a3f7d8aaf1e4eb71409f6b93ba7a937e2c6ef5dcf8dc9a1b0bec7fa30de576',
  );
  assert.equal(
    streamedKey([...paths].reverse(), pythonDialect),
    '71d5f9a2623d1aa81099993a74c32bf5ad2332086ce1e9073e0848e19d22656c',
  );
  assert.equal(
    streamedKey(paths, goDialect),
    'd9affcae7e95c44e2be5714698e9d30a2c6a5debf8de3d9388a1d21e1f263c36',
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
