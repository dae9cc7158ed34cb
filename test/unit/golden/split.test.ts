// Which store paths share a blob. A value here changes together with the format version of
// src/image/keys.ts and for no other reason (CONTRIBUTING, "Golden values").
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitPaths } from '../../../src/image/split.ts';
import { fixedBytes, fixedPath, sha256 } from './fixed.ts';

/** 300 paths of 1 kB to 1 GiB, their sizes even over the powers of two. */
const paths = Array.from({ length: 300 }, (_, at) => {
  const bytes = fixedBytes(`size ${at}`, 8);
  const narSize = Math.floor(2 ** (10 + (20 * bytes.readUInt32BE()) / 2 ** 32));
  return { path: fixedPath(`package${at % 150}-${at}.${at % 7}`), narSize };
});

const groupsOf = (maxLayerSize: number, limit: number) => {
  const groups = splitPaths(paths, maxLayerSize, limit);
  return {
    sizes: groups.map(group => group.length),
    hash: sha256(JSON.stringify(groups.map(group => group.map(({ path }) => path)))),
  };
};

test('300 paths in blobs of at most 1 GiB', () => {
  assert.deepEqual(groupsOf(2 ** 30, 125), {
    sizes: [
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1,
      1, 1, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 5, 5, 3, 6, 12, 6, 12, 12, 13, 36, 50, 35, 55,
    ],
    hash: 'be7bdacff8e334dda1e87c5d2ca8fee79b9c965e0fac72734b29ddce75641ad9',
  });
});

test('300 paths in blobs of at most 64 MiB', () => {
  assert.deepEqual(groupsOf(2 ** 26, 1000), {
    sizes: [
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1,
      2, 1, 4, 8, 6, 7, 36, 50, 35, 55,
    ],
    hash: 'f7d68d546ef8c57335e06397d33c7106b7a383a33eb2dedc8b0cf99aa9b66cec',
  });
});

test('300 paths where only 20 blobs are left', () => {
  assert.deepEqual(groupsOf(2 ** 26, 20), {
    sizes: [3, 1, 1, 2, 1, 1, 3, 2, 2, 1, 6, 3, 2, 3, 3, 4, 125, 54, 83],
    hash: '9e7c75dd4fd31ed3d610c929663433b16612915d4381a0fce6ab09ba7a548968',
  });
});

test('what fits into a quarter of a blob stays whole', () => {
  const small = paths.map(({ path }) => ({ path, narSize: 1024 }));
  assert.equal(splitPaths(small, 300 * 4096, 125).length, 1);
  assert.ok(splitPaths(small, 300 * 4096 - 4, 125).length > 1);
});
