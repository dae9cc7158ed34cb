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

test('sizes at the borders of their classes are in one group each, and alone only above', () => {
  const shared = 16 << 20;
  const borders = [shared, shared / 4, shared / 16, 0, 1];
  const sizes = borders.flatMap(size => [size - 1, size, size + 1]).filter(size => size >= 0);
  const paths = sizes.map((narSize, at) => ({
    path: `/nix/store/${String(at).padStart(32, '0')}-p${at}`,
    narSize,
  }));
  const groups = splitPaths(paths, 4 * shared, 1000);
  assert.deepEqual(
    groups.flat().sort((a, b) => (a.path < b.path ? -1 : 1)),
    paths,
  );
  // only what is larger than a quarter of the largest layer can drag nothing along
  assert.deepEqual(
    groups[0]?.map(({ narSize }) => narSize),
    [shared + 1],
  );
  const classOf = (size: number) => (size <= shared / 16 ? 0 : size <= shared / 4 ? 1 : 2);
  for (const group of groups.slice(1)) {
    assert.equal(
      new Set(group.map(({ narSize }) => classOf(narSize))).size,
      1,
      JSON.stringify(group),
    );
  }
});

test('content of a quarter of the largest layer stays whole, a byte more does not', () => {
  const content = (total: number) => [
    { path: `/nix/store/${'0'.repeat(32)}-small`, narSize: 1 },
    { path: `/nix/store/${'1'.repeat(32)}-large`, narSize: total - 1 },
  ];
  const most = 64 << 20;
  assert.equal(splitPaths(content(most / 4), most, 100).length, 1);
  assert.equal(splitPaths(content(most / 4 + 1), most, 100).length, 2);
  assert.equal(splitPaths(content(most), most, 2).length, 2);
  assert.equal(splitPaths(content(most), most, 1).length, 1);
  assert.equal(splitPaths(content(most), most, 0).length, 1, 'there is always one');
});

test('a group is at most eight times as large as its class, and a quarter of the largest layer', () => {
  const size = 1 << 20;
  const largest = (layer: number) => {
    const paths = Array.from({ length: 400 }, (_, at) => ({
      path: `/nix/store/${String(at).padStart(32, '0')}-package${at}`,
      narSize: size,
    }));
    return Math.max(...splitPaths(paths, layer * size, 1000).map(group => group.length));
  };
  // classes of 64, 16, 4 and 1 MiB: these are in the last one
  const within = (count: number, most: number) =>
    assert.ok(count <= most && count > most / 2, `${count}`);
  within(largest(256), 8);
  within(largest(16), 4);
  assert.equal(largest(1600), 400, 'it stays whole');
});

test("a package's name is without hash, version and output", () => {
  const hash = '0'.repeat(32);
  const name = (rest: string) => packageName(`/nix/store/${hash}-${rest}`);
  assert.equal(name('cuda_cudart-12.8.90-lib'), 'cuda_cudart');
  assert.equal(name('python3.12-torch-2.9.1'), 'python3.12-torch');
  assert.equal(name('source'), 'source');
});
