import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, chooseAll } from '../../../src/wheels/choose.ts';
import type { Listing, OfferedFile } from '../../../src/wheels/index-page.ts';
import type { Want } from '../../../src/wheels/listings.ts';
import type { Variant } from '../../../src/wheels/variant.ts';

const variant: Variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };
const index = 'https://index.example/cu130';

function want(name: string, versions = ''): Want {
  const origin = { kind: 'index', url: index } as const;
  return { variant, wheel: { name, versions, origin, ignoredRequirements: [] } };
}

function listing(...files: (string | OfferedFile)[]): Listing {
  const offered = files.map(file =>
    typeof file === 'string' ? { filename: file, url: `${index}/${file}` } : file,
  );
  return { kind: 'files', source: index, files: offered };
}

function chosen(files: Listing, versions = '', torch?: string): string {
  const result = choose(want('x', versions), files, torch);
  return result.kind === 'chosen' ? result.file.filename : result.reason;
}

test('versions are not chosen: where several are wanted, they are named', () => {
  const files = listing(
    'x-1.9-py3-none-any.whl',
    'x-1.10-py3-none-any.whl',
    'x-2.0rc1-py3-none-any.whl',
    'y-3-py3-none-any.whl',
  );
  const several = /has several versions of x, (.*); write one, version = "==(.*)"\.$/;
  assert.deepEqual(several.exec(chosen(files))?.slice(1), ['1.9, 1.10, 2.0rc1', '2.0rc1']);
  assert.deepEqual(several.exec(chosen(files, '<2'))?.slice(1), ['1.9, 1.10', '1.10']);
  assert.equal(chosen(files, '<1.10'), 'x-1.9-py3-none-any.whl');
  assert.equal(chosen(files, '==2.0rc1'), 'x-2.0rc1-py3-none-any.whl');
  const same = listing('x-1.0-py3-none-any.whl', 'x-1-cp312-cp312-linux_x86_64.whl');
  assert.equal(
    chosen(same),
    'x-1-cp312-cp312-linux_x86_64.whl',
    'one version, written in two ways',
  );
});

test('of one version the closest tags, then the newest build', () => {
  const files = listing(
    'x-1-py3-none-any.whl',
    'x-1-cp39-abi3-manylinux_2_28_x86_64.whl',
    'x-1-cp312-cp312-manylinux2014_x86_64.whl',
    'x-1-9-cp312-cp312-manylinux_2_28_x86_64.whl',
    'x-1-10-cp312-cp312-manylinux_2_28_x86_64.whl',
    'x-1-cp312-cp312-manylinux_2_28_x86_64.whl',
  );
  assert.equal(chosen(files), 'x-1-10-cp312-cp312-manylinux_2_28_x86_64.whl');
});

/** The order in which these are taken: the first of them, the first of the rest, and so on. */
function order(files: OfferedFile[], versions = ''): string[] {
  const left = [...files];
  const found: string[] = [];
  for (;;) {
    const name = chosen(listing(...left), versions);
    const at = left.findIndex(({ filename }) => filename === name);
    if (at < 0) return found;
    found.push(name);
    left.splice(at, 1);
  }
}

/** Every order in which an index may list them. */
function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map(rest => [item, ...rest]));
}

test('the order of wheels: local version, not yanked, closeness of tags, build; however they are listed', () => {
  const names = [
    'x-1+cu130-py3-none-any.whl',
    'x-1-cp312-cp312-manylinux_2_28_x86_64.whl',
    'x-1-2-cp39-abi3-manylinux_2_28_x86_64.whl',
    'x-1-1-cp39-abi3-manylinux_2_28_x86_64.whl',
    'x-1-py3-none-any.whl',
  ];
  const offered = names.map((filename): OfferedFile => ({ filename, url: `${index}/${filename}` }));
  for (const files of orders(offered)) assert.deepEqual(order(files), names);
  // what was withdrawn comes after all others of its version, however close it is
  const yanked = offered.slice(1).map((file, at) => (at === 0 ? { ...file, yanked: true } : file));
  const [closest = '', ...others] = names.slice(1);
  for (const files of orders(yanked)) assert.deepEqual(order(files, '==1'), [...others, closest]);
  const all = yanked.map(file => ({ ...file, yanked: true }));
  assert.deepEqual(order(all, '==1'), names.slice(1));
});

test('a Python that is too new or too old for a file', () => {
  const name = 'x-2-py3-none-any.whl';
  const file = { filename: name, url: `${index}/${name}`, requiresPython: '>=3.13' };
  assert.equal(chosen(listing('x-1-py3-none-any.whl', file)), 'x-1-py3-none-any.whl');
});

test('why there is none, and the nearest', () => {
  assert.match(
    chosen(listing('x-1.tar.gz')),
    /source archives only, which prefetch does not build/,
  );
  assert.match(chosen(listing()), /has no wheels of x/);
  assert.match(chosen(listing('y-1-py3-none-any.whl')), /has wheels of y, none of x/);
  assert.match(
    chosen(listing('x-1-cp311-cp311-linux_x86_64.whl', 'x-1-cp312-cp312-win_amd64.whl')),
    /no wheel of x for this variant; the nearest is x-1-cp31/,
  );
  const files = listing('x-1-py3-none-any.whl', 'x-3-py3-none-any.whl', 'x-4-py3-none-any.whl');
  assert.match(chosen(files, '==2'), /no x ==2 for it; the nearest is 1 or 3\./);
  assert.match(
    chosen(listing('x-1+cu13torch2.9-cp312-cp312-linux_x86_64.whl'), '', '2.10.0+cu130'),
    /for this variant and PyTorch 2\.10\.0\+cu130; the nearest is x-1\+cu13torch2\.9/,
  );
});

test('what was chosen says from where, and what was not whether there may be one', () => {
  const name = 'x-1-py3-none-any.whl';
  const file = { filename: name, url: `${index}/${name}` };
  assert.deepEqual(choose(want('x'), listing(file), undefined), {
    ...want('x'),
    ...{ kind: 'chosen', file, version: '1', source: index },
  });
  for (const [kind, told] of [
    ['absent', 'missing'],
    ['unreachable', 'unreachable'],
  ] as const) {
    const gap = choose(want('x'), { kind, reason: 'so' }, undefined);
    assert.deepEqual(gap, { ...want('x'), kind: told, reason: 'so' });
  }
});

test('the nearest version: the one below and the one above what is asked for', () => {
  const files = listing(
    ...['1', '1.5', '2', '10'].map(version => `x-${version}-py3-none-any.whl`),
    'x-2-1-py3-none-any.whl',
  );
  const near = (versions: string) => /the nearest is (.*)\.$/.exec(chosen(files, versions))?.[1];
  assert.equal(near('==1.7'), '1.5 or 2');
  assert.equal(near('==11'), '10');
  assert.equal(near('==0.5'), '1');
  assert.equal(near('==2.0.1'), '2 or 10');
  assert.equal(near('>11'), '10');
});

test('the nearest file is like the one that is wanted, of a wanted version if there is one', () => {
  const files = listing(
    'x-1-cp39-cp39-win_amd64.whl',
    'x-2-cp311-cp311-manylinux_2_28_x86_64.whl',
    'x-2-cp39-cp39-win_amd64.whl',
    'x-3-cp311-cp311-manylinux_2_28_x86_64.whl',
  );
  assert.match(chosen(files, '==2'), /for this variant; the nearest is x-2-cp311-cp311-many/);
  assert.match(chosen(files, '==1'), /for this variant; the nearest is x-1-cp39/);
  assert.match(chosen(files, '==7'), /for this variant; the nearest is x-.-cp311/);
});

test('a name that is no version is no wheel, and a part of a name no project', () => {
  const files = listing('x-nonsense-py3-none-any.whl', 'xy-1-py3-none-any.whl');
  assert.match(chosen(files), /has wheels of x, xy, none of x/);
  assert.match(chosen(listing('x-1.zip')), /source archives only/);
  assert.match(chosen(listing('x-1.exe')), /has no wheels of x/);
});

test('each variant goes with its own PyTorch, and all are told in the order of the wants', () => {
  const other: Variant = { ...variant, cuda: 'cu128' };
  const wants = ['x', 'torch'].flatMap(name =>
    [variant, other].map(of => ({ ...want(name), variant: of })),
  );
  const listings: Record<string, Listing> = {
    x: listing(...['2.9', '2.10'].map(torch => `x-1+torch${torch}-cp312-cp312-linux_x86_64.whl`)),
    torch: listing(
      'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl',
      'torch-2.9.0+cu128-cp312-cp312-manylinux_2_28_x86_64.whl',
    ),
  };
  const of = ({ name }: { name: string }) => listings[name] ?? assert.fail(name);
  const results = chooseAll(wants, { of }, () => assert.fail('it was told'));
  assert.deepEqual(
    results.map(each => [
      each.wheel.name,
      each.variant.cuda,
      each.kind === 'chosen' ? each.version : each.reason,
    ]),
    [
      ['x', 'cu130', '1+torch2.10'],
      ['x', 'cu128', '1+torch2.9'],
      ['torch', 'cu130', '2.10.0+cu130'],
      ['torch', 'cu128', '2.9.0+cu128'],
    ],
  );
});

test('what is made for PyTorch is chosen by the PyTorch of its variant', () => {
  const wants = [want('x'), want('torch')];
  const listings: Record<string, Listing> = {
    x: listing(
      'x-1+torch2.9-cp312-cp312-linux_x86_64.whl',
      'x-1+torch2.10-cp312-cp312-linux_x86_64.whl',
    ),
    torch: listing('torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl'),
  };
  const choices = (known: string | undefined) =>
    chooseAll(
      wants,
      { of: ({ name }) => listings[name] ?? { kind: 'absent', reason: '' } },
      () => known,
    ).map(result => (result.kind === 'chosen' ? result.version : result.kind));
  assert.deepEqual(choices('2.9.0'), ['1+torch2.10', '2.10.0+cu130']);
  listings.torch = { kind: 'unreachable', reason: 'gone' };
  assert.deepEqual(choices('2.9.0'), ['1+torch2.9', 'unreachable']);
});
