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

test('the highest version that is wanted', () => {
  const files = listing(
    'x-1.9-py3-none-any.whl',
    'x-1.10-py3-none-any.whl',
    'x-2.0rc1-py3-none-any.whl',
    'y-3-py3-none-any.whl',
  );
  assert.equal(chosen(files), 'x-1.10-py3-none-any.whl');
  assert.equal(chosen(files, '<1.10'), 'x-1.9-py3-none-any.whl');
  assert.equal(chosen(files, '==2.0rc1'), 'x-2.0rc1-py3-none-any.whl');
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

test('a yanked file only where its very version is asked for', () => {
  const name = 'x-2-py3-none-any.whl';
  const files = listing('x-1-py3-none-any.whl', {
    filename: name,
    url: `${index}/${name}`,
    yanked: true,
  });
  assert.equal(chosen(files), 'x-1-py3-none-any.whl');
  assert.equal(chosen(files, '==2'), name);
  assert.match(chosen(files, '==2.*'), /no x ==2\.\* for it/);
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
