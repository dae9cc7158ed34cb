import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupTargets, leastOwnSize, ownBlobSize } from '../../../src/image/target-groups.ts';

const MiB = 2 ** 20;

test('a target of 16 MiB is a blob of its own, all others are one, uppermost', () => {
  assert.equal(ownBlobSize, 16 * MiB);
  const sizes = [16 * MiB, 0, 1, 16 * MiB - 1, 900 * MiB, 5];
  assert.deepEqual(groupTargets(sizes, ownBlobSize), [[0], [4], [2, 3, 5]]);
  assert.deepEqual(groupTargets([1, 16 * MiB], ownBlobSize), [[1], [0]]);
  assert.deepEqual(groupTargets([0, 0], ownBlobSize), []);
});

test('the size doubles until the blobs of all layers are few enough', () => {
  const layers = [
    [20, 40, 70, 100],
    [1, 17, 33],
  ].map(sizes => sizes.map(size => size * MiB));
  const least = (limit: number) => leastOwnSize(layers, limit) / MiB;
  assert.deepEqual([7, 6, 5, 4, 3].map(least), [16, 32, 64, 64, 128]);
  assert.deepEqual([2, 1].map(least), [128, 128], 'each layer keeps one');
});
