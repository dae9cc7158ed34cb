import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lackOf, unknownNames, wantedSettings } from '../../../src/commands/setup/wanted.ts';
import { effectiveConf } from '../../../src/nix/conf.ts';

const setting = { value: [], defaultValue: [] };
const conf = effectiveConf({ substituters: setting, cores: setting, 'access-tokens': setting });

test('the last word on a setting is what is wanted, and what is added after it', () => {
  const lines = [
    'extra-substituters = a b',
    'substituters = c',
    'extra-substituters = d',
    'cores = 1',
  ];
  assert.deepEqual(wantedSettings([...lines, 'cores = 2', 'unheard-of = 1'], conf), [
    { name: 'substituters', whole: 'c', added: ['d'] },
    { name: 'cores', whole: '2', added: [] },
  ]);
  assert.deepEqual(unknownNames([...lines, 'unheard-of = 1'], conf), ['unheard-of']);
});

const lack = (whole: string | undefined, added: string[], value: unknown) =>
  lackOf({ name: 'x', whole, added }, value);

test('lists are compared by their words, in any order, with or without a slash at the end', () => {
  assert.equal(lack(undefined, ['b/'], ['a', 'b']), 'none');
  assert.equal(lack('b a/', ['c'], ['a', 'c', 'b']), 'none');
  assert.deepEqual(lack(undefined, ['b'], ['a']), { missing: ['b'], surplus: [] });
  assert.deepEqual(lack('a', [], ['a', 'b']), { missing: [], surplus: ['b'] });
  assert.equal(lack('', [], []), 'none');
  const features = { name: 'experimental-features', whole: undefined, added: ['flakes'] };
  for (const value of [[3], ['fetch-tree']]) assert.equal(lackOf(features, value), 'unknown');
});

test('addresses are compared with their parameters in any order and encoding', () => {
  const stated = 's3://cache/?endpoint=127.0.0.1:9000&scheme=http';
  const told = 's3://cache?scheme=http&endpoint=127.0.0.1%3A9000';
  assert.equal(lack(undefined, [stated], [told]), 'none');
  assert.equal(lack(stated, [], [told]), 'none');
  assert.equal(lack('ssh-ng://one?ssh-key=%zz', [], ['ssh-ng://one?ssh-key=%zz']), 'none');
  const other = 's3://cache?endpoint=127.0.0.1:9001&scheme=http';
  assert.notEqual(lack(stated, [], [other]), 'none');
});

test('tables are compared by name and text, or by name where they hold more', () => {
  const tokens = { 'github.com': 'a', 'gitlab.com': 'b' };
  assert.equal(lack(undefined, ['gitlab.com=b'], tokens), 'none');
  assert.deepEqual(lack(undefined, ['gitlab.com=c'], tokens), {
    missing: ['gitlab.com=c'],
    surplus: [],
  });
  const paths = { '/bin/sh': { source: '/x', optional: false } };
  assert.equal(lack('/bin/sh=/x', [], paths), 'none');
  assert.deepEqual(lack('/bin/sh=/x', ['/dev/kvm?'], paths), {
    missing: ['/dev/kvm'],
    surplus: [],
  });
});

test('numbers, truths and texts are compared as what they mean', () => {
  for (const [text, value] of [
    ['5', 5],
    ['2K', 2048],
    ['true', true],
    ['no', false],
    ['/etc/netrc/', '/etc/netrc'],
  ] as const) {
    assert.equal(lack(text, [], value), 'none', text);
  }
  assert.deepEqual(lack('5', [], 6), { missing: ['5'], surplus: ['6'] });
  assert.deepEqual(lack('false', [], true), { missing: ['false'], surplus: ['true'] });
  for (const [text, value] of [
    ['auto', 4],
    ['relaxed', true],
    ['1', null],
  ] as const) {
    assert.equal(lack(text, [], value), 'unknown', text);
  }
});
