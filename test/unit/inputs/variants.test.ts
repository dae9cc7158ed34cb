import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parsePlan } from '../../../src/inputs/verbs/plan.ts';

const parse = (raw: RawInputs) =>
  parsePlan(raw, {
    face: 'command-line',
    currentDirectory: '/work',
    temporaryDirectory: '/tmp/x',
  });

test('variants are names and globs, or those of the flake', () => {
  assert.equal(parse({}).variants, undefined);
  assert.deepEqual(parse({ variants: 'comfyui-*,\nflux' }).variants, {
    patterns: ['comfyui-*', 'flux'],
  });
  assert.deepEqual(parse({ variants: 'auto' }).variants, { patterns: undefined });
  assert.throws(() => parse({ variants: 'auto, flux' }), /^Failure: Input variants: `auto` stands/);
});

test('they are those of one flake', () => {
  const one = parse({ variants: 'auto', flakes: './a', flake: './a' });
  assert.deepEqual(one.flakes, ['./a']);
  assert.throws(
    () => parse({ variants: 'auto', flakes: './a\n./b' }),
    /^Failure: Input variants: they are those of one flake; there are 2: \.\/a, \.\/b\./,
  );
});

test('a tag may say where the variant stands in it, where there are variants', () => {
  const tags = 'ghcr.io/o/n:{variant}\nmain-{variant}\nv1';
  const { tags: read, image } = parse({ variants: 'auto', tags });
  assert.deepEqual([read, image], [['{variant}', 'main-{variant}', 'v1'], 'ghcr.io/o/n']);
  assert.throws(() => parse({ tags }), /cannot hold the tag|expected a tag/);
});
