import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLocalVersion, suits } from '../../../src/wheels/local-version.ts';
import { tagRank } from '../../../src/wheels/tags.ts';
import type { Variant } from '../../../src/wheels/variant.ts';
import { compareBuilds, fileNameOf, parseWheelName } from '../../../src/wheels/wheel-name.ts';

const variant: Variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };

function rank(tags: string, changes: Partial<Variant> = {}): number | undefined {
  const name = parseWheelName(`x-1-${tags}.whl`);
  assert.ok(name);
  return tagRank(name, { ...variant, ...changes });
}

test('a file name taken apart', () => {
  assert.deepEqual(
    parseWheelName('flash_attn-2.8.3+cu13-1a-cp312.cp313-abi3-manylinux2014_x86_64.whl'),
    {
      project: 'flash-attn',
      version: '2.8.3+cu13',
      build: { number: 1, rest: 'a' },
      pythons: ['cp312', 'cp313'],
      abis: ['abi3'],
      platforms: ['manylinux2014_x86_64'],
    },
  );
  for (const name of ['x-1.tar.gz', 'x-1-py3-none.whl', 'x-1-b1-py3-none-any.whl', '.whl']) {
    assert.equal(parseWheelName(name), undefined, name);
  }
});

test('builds are ordered by number, then by the rest; none comes first', () => {
  const names = ['x-1-py3', 'x-1-1-py3', 'x-1-2-py3', 'x-1-2a-py3', 'x-1-10-py3'];
  const build = (name: string) => parseWheelName(`${name}-none-any.whl`)?.build;
  const sorted = names.toReversed().sort((a, b) => compareBuilds(build(a), build(b)));
  assert.deepEqual(sorted, names);
});

test("an address's file name is decoded, and kept where it cannot be", () => {
  assert.equal(fileNameOf('https://x/whl/a-1%2Bcu130.whl'), 'a-1+cu130.whl');
  assert.equal(fileNameOf('https://x/a%zz.whl'), 'a%zz.whl');
});

test('tags from the best to the worst', () => {
  const order = [
    'cp312-cp312-manylinux_2_28_x86_64',
    'cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64',
    'cp312-cp312-manylinux1_x86_64',
    'cp312-cp312-linux_x86_64',
    'cp312-abi3-manylinux_2_28_x86_64',
    'cp39-abi3-manylinux_2_28_x86_64',
    'cp312-none-any',
    'py312-none-any',
    'py3-none-manylinux_2_28_x86_64',
    'py2.py3-none-any',
  ];
  const ranks = order.map(tags => rank(tags) ?? assert.fail(tags));
  assert.deepEqual(
    ranks,
    ranks.toSorted((a, b) => b - a),
  );
  assert.equal(new Set(ranks).size, ranks.length);
});

test('tags that do not suit', () => {
  for (const tags of [
    'cp313-cp313-linux_x86_64',
    'cp313-cp313t-linux_x86_64',
    'cp313-abi3-linux_x86_64',
    'cp311-none-any',
    'py313-none-any',
    'pp310-pypy310_pp73-linux_x86_64',
    'cp312-cp312-win_amd64',
    'cp312-cp312-macosx_11_0_arm64',
    'cp312-cp312-musllinux_1_2_x86_64',
    'cp312-cp312-manylinux_2_28_aarch64',
    'cp312-cp312-manylinux_2_99_x86_64',
  ]) {
    assert.equal(rank(tags), undefined, tags);
  }
  assert.ok(rank('cp312-cp312-manylinux_2_28_aarch64', { system: 'aarch64-linux' }));
});

test('what local versions tell', () => {
  const none = { cuda: undefined, torch: undefined, other: undefined };
  const cases: Record<string, Partial<ReturnType<typeof parseLocalVersion>>> = {
    '2.10.0': {},
    '2.10.0+cu130': { cuda: '130' },
    '2.8.3+cu13torch2.10cxx11abiTRUE': { cuda: '13', torch: '2.10' },
    '1.2.1+cu13.0torch2.11': { cuda: '130', torch: '2.11' },
    '2.2.0+cu130torch2.10.0': { cuda: '130', torch: '2.10' },
    '1.0.2+torch2.10': { torch: '2.10' },
    '2.11.0+cpu': { other: 'cpu' },
    '2.11.0+rocm6.4': { other: 'rocm' },
  };
  for (const [version, told] of Object.entries(cases)) {
    assert.deepEqual(parseLocalVersion(version), { ...none, ...told }, version);
  }
});

test('which local versions suit a variant and its PyTorch', () => {
  const torch = '2.10.0+cu130';
  const cases: Record<string, boolean> = {
    '1': true,
    '1+cu130': true,
    '1+cu13.0': true,
    '1+cu13torch2.10': true,
    '1+cu12torch2.10': false,
    '1+cu128': false,
    '1+cu13torch2.1': false,
    '1+cu13torch2.9': false,
    '1+cpu': false,
  };
  for (const [version, expected] of Object.entries(cases)) {
    assert.equal(suits(version, variant, torch), expected, version);
  }
  assert.ok(suits('1+torch2.9', variant, undefined), 'nothing is known of PyTorch');
});

test('what a wheel cannot be called is no wheel', () => {
  const rest = '1.0-py3-none-any.whl';
  for (const name of ['../x', 'a/b', 'a b', 'a\nb', 'a\0', 'ä', 'x'.repeat(300)]) {
    assert.equal(parseWheelName(`${name}-${rest}`), undefined, name);
  }
  assert.equal(parseWheelName(`x-${rest}`)?.version, '1.0');
});
