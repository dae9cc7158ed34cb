import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packageName, splitPaths } from '../../../src/image/split.ts';

const hash = fc.string({
  unit: fc.constantFrom(...'0123456789abcdfghijklmnpqrsvwxyz'),
  minLength: 32,
  maxLength: 32,
});
const sized = fc.record(
  {
    path: fc
      .tuple(hash, fc.stringMatching(/^[a-z]{1,8}$/))
      .map(([h, name]) => `/nix/store/${h}-${name}-1.2`),
    narSize: fc.nat(3000),
  },
  { noNullPrototype: true },
);
const content = fc.uniqueArray(sized, { selector: ({ path }) => path, maxLength: 60 });

test('every path is in exactly one group, and order does not matter', () => {
  fc.assert(
    fc.property(
      content,
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 20 }),
      (paths, size, limit) => {
        const groups = splitPaths(paths, size, limit);
        assert.ok(groups.length <= limit);
        assert.ok(groups.every(group => group.length > 0));
        const byPath = (list: typeof paths) => [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
        assert.deepEqual(byPath(groups.flat()), byPath(paths));
        assert.deepEqual(splitPaths([...paths].reverse(), size, limit), groups);
      },
    ),
  );
});

test('with room enough, only a path alone is larger than the limit', () => {
  fc.assert(
    fc.property(content, fc.integer({ min: 100, max: 5000 }), (paths, size) => {
      for (const group of splitPaths(paths, size, Number.POSITIVE_INFINITY)) {
        const total = group.reduce((sum, path) => sum + path.narSize, 0);
        assert.ok(total <= size || group.length === 1);
      }
    }),
  );
});

test('little content stays whole', () => {
  const paths = ['a', 'b', 'c'].map(name => ({ path: `/nix/store/${name}`, narSize: 80 }));
  assert.equal(splitPaths(paths, 1000, 100).length, 1);
  assert.deepEqual(splitPaths([], 1000, 100), []);
});

test('a new version of one package changes its own group alone', () => {
  const names = Array.from({ length: 200 }, (_, index) => `package${index}`);
  const paths = (version: string) =>
    names.map((name, index) => {
      const own = name === 'package7' ? version : '1';
      const hash = String(index).padStart(32, own);
      return { path: `/nix/store/${hash}-${name}-${own}.0`, narSize: 1000 };
    });
  const before = splitPaths(paths('1'), 100_000, 100).map(group => JSON.stringify(group));
  const after = splitPaths(paths('2'), 100_000, 100).map(group => JSON.stringify(group));
  assert.ok(before.length > 4);
  assert.equal(new Set(after).difference(new Set(before)).size, 1);
});

test("a package's name is without hash, version and output", () => {
  const hash = '0'.repeat(32);
  const name = (rest: string) => packageName(`/nix/store/${hash}-${rest}`);
  assert.equal(name('cuda_cudart-12.8.90-lib'), 'cuda_cudart');
  assert.equal(name('python3.12-torch-2.9.1'), 'python3.12-torch');
  assert.equal(name('source'), 'source');
});
