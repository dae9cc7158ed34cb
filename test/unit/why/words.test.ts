import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FlakeInput } from '../../../src/record/types.ts';
import type { Cause } from '../../../src/why/causes.ts';
import { causeText, type Told, whyInWords } from '../../../src/why/words.ts';

const nothing = { fields: [], sources: [], added: [], removed: [] };
const cause = (name: string, change: Partial<Cause> = {}): Cause => ({
  ...{ ...nothing, name, layers: ['app'], rebuilds: 1 },
  ...change,
});
const version = { from: '2.10.0', to: '2.11.0' };

describe('a cause is told in a few words', () => {
  const cases: [Cause, string][] = [
    [cause('torch-2.11.0', { version, fields: ['src'] }), 'torch 2.10.0 → 2.11.0'],
    [cause('app', { sources: ['requirements.txt'] }), '`requirements.txt` changed'],
    [cause('app', { sources: ['source'] }), 'the source of app changed'],
    [
      cause('app', { fields: ['a', 'b', 'c', 'd'], added: ['zlib-1'], removed: ['xz-5'] }),
      '`a`, `b`, `c` and 1 more of app changed, app takes zlib-1, app does not take xz-5 any more',
    ],
    [cause('x.whl', { content: true }), 'x.whl has another content'],
    [cause('stdenv'), 'stdenv changed'],
  ];
  for (const [given, text] of cases) test(text, () => assert.equal(causeText(given), text));
});

const input = (revision: string, day: string): FlakeInput => ({
  ...{ name: 'nixpkgs', url: 'github:NixOS/nixpkgs', revision, lastModified: `${day}T00:00:00Z` },
});
const told: Told = {
  inputsBefore: [input('a1b2c3d4', '2026-10-01')],
  inputs: [input('d4e5f6a7', '2026-11-20')],
  own: new Set(['app']),
  reused: new Set(),
};
const moved = 'nixpkgs a1b2c3d → d4e5f6a (2026-10-01 → 2026-11-20)';
const causes = [
  cause('gcc-14.1', {
    version: { from: '13.3', to: '14.1' },
    layers: ['base', 'app'],
    rebuilds: 90,
  }),
  cause('python3-3.13.2', { version: { from: '3.13.1', to: '3.13.2' }, rebuilds: 20 }),
  cause('app', { sources: ['main.py'], layers: ['app'] }),
];
const inWords = (change: Partial<Told> = {}) =>
  whyInWords({ causes, more: 2, derivations: 100 }, { ...told, ...change });

describe('an input that moved', () => {
  test('is the cause of what is not written in the flake', () => {
    const { causes: words, more, rebuilds } = inWords();
    assert.deepEqual(words, [
      {
        text: `${moved}: gcc 13.3 → 14.1, python3 3.13.1 → 3.13.2`,
        ...{ layers: ['base', 'app'], rebuilds: 100 },
      },
      { text: '`main.py` changed', layers: ['app'], rebuilds: 1 },
    ]);
    assert.deepEqual([more, rebuilds], [2, 100]);
  });
  test('is so by what changed, where nobody knows what the flake writes', () => {
    assert.deepEqual(
      inWords({ own: undefined }).causes.map(({ text }) => text.slice(0, 9)),
      ['nixpkgs a', '`main.py`'],
    );
  });
  test('is nothing where it is as before, or was not known', () => {
    for (const change of [{ inputs: told.inputsBefore }, { inputsBefore: undefined }]) {
      assert.deepEqual(
        inWords(change).causes.map(({ text }) => text),
        ['gcc 13.3 → 14.1', 'python3 3.13.1 → 3.13.2', '`main.py` changed'],
      );
    }
  });
});

test('layers that are reused have no cause', () => {
  const { causes: words } = inWords({ reused: new Set(['app']) });
  assert.deepEqual(
    words.map(({ layers }) => layers),
    [['base']],
  );
});
