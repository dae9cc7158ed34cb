import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrixOf, type PlannedVariant } from '../../../src/commands/plan/matrix.ts';
import { tagsOfVariant } from '../../../src/inputs/destination.ts';

const variant = (name: string, more: Partial<PlannedVariant> = {}): PlannedVariant => ({
  flake: `.#comfyui-${name}`,
  image: 'ghcr.io/o/comfyui',
  repository: 'ghcr.io/o/comfyui',
  tags: [name, `main-${name}`],
  variant: name,
  fields: { cuda: '13.0' },
  upToDate: false,
  ...more,
});

test('a row has the inputs of a build, and what the recipe adds, as texts', () => {
  assert.deepEqual(matrixOf([variant('cu130')], false), {
    include: [
      {
        flake: '.#comfyui-cu130',
        image: 'ghcr.io/o/comfyui',
        tags: 'cu130\nmain-cu130',
        variant: 'cu130',
        cuda: '13.0',
      },
    ],
  });
  const [row] = matrixOf([variant('a', { image: undefined, fields: undefined })], false).include;
  assert.deepEqual(row, { flake: '.#comfyui-a', image: '', tags: 'a\nmain-a', variant: 'a' });
});

test('what is up to date is left out; what nobody knows is not', () => {
  const variants = [
    variant('a', { upToDate: true }),
    variant('b'),
    variant('c', { upToDate: undefined }),
  ];
  const names = (unchanged: boolean) =>
    matrixOf(variants, unchanged).include.map(row => row.variant);
  assert.deepEqual(names(false), ['b', 'c']);
  assert.deepEqual(names(true), ['a', 'b', 'c']);
});

test('as many rows as GitHub makes jobs of', () => {
  const many = (count: number, changed: number) =>
    Array.from({ length: count }, (_, at) => variant(`v${at}`, { upToDate: at >= changed }));
  assert.equal(matrixOf(many(300, 256), false).include.length, 256);
  assert.throws(
    () => matrixOf(many(300, 257), false),
    /^Failure: 257 variants have something .* at most 256 jobs/,
  );
  assert.throws(() => matrixOf(many(300, 1), true), /^Failure: 300 variants/);
});

test('two variants of one tag are named, whether something is to be done for them or not', () => {
  const variants = [variant('a', { upToDate: true }), variant('b', { tags: ['b', 'a'] })];
  assert.throws(
    () => matrixOf(variants, false),
    /^Failure: \.#comfyui-a and \.#comfyui-b would both be called ghcr\.io\/o\/comfyui:a\./,
  );
});

test('tags that are given for all say the variant', () => {
  assert.deepEqual(tagsOfVariant(['main', '{variant}', 'v1.2-{variant}-gpu'], 'cu130'), [
    'main-cu130',
    'cu130',
    'v1.2-cu130-gpu',
  ]);
  assert.deepEqual(tagsOfVariant(['a', 'a-{variant}'], 'b'), ['a-b']);
  assert.throws(() => tagsOfVariant(['x'.repeat(125)], 'cu130'), /cannot hold the tag/);
});
