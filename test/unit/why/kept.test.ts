import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import { readKept, writeKept } from '../../../src/why/document.ts';
import { markOf, marksOf } from '../../../src/why/marks.ts';
import { kept } from './sample.ts';

const store = '/nix/store';
const path = (letter: string, name: string) => `${store}/${letter.repeat(32)}-${name}`;

test('store paths in a text do not count, what stands around them does', () => {
  const text = (dependency: string, folder: string) => `PATH=${dependency}/${folder}:/bin`;
  const mark = (one: string) => markOf(one, store);
  const first = mark(text(path('a', 'zlib-1.2'), 'bin'));
  assert.equal(mark(text(path('b', 'zlib-1.3'), 'bin')), first);
  assert.notEqual(mark(text(path('a', 'zlib-1.2'), 'lib')), first);
  assert.notEqual(mark(`${path('a', 'x')} ${path('b', 'y')}`), mark(path('a', 'x')));
});

test('a mark is six hex digits, and one letter more is another one', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      assert.match(markOf(text, store), /^[0-9a-f]{6}$/);
      assert.notEqual(markOf(`${text}x`, store), markOf(text, store));
    }),
  );
});

test('fields are those of the environment, attributes in JSON one by one', () => {
  const derivation = {
    outputs: new Map([['out', path('a', 'x')]]),
    inputDrvs: new Map(),
    inputSrcs: [],
    system: 'x86_64-linux',
    builder: path('b', 'bash'),
    args: ['-e'],
    env: new Map([
      ['__json', JSON.stringify({ buildPhase: 'make', env: { A: '1' } })],
      ['out', path('a', 'x')],
    ]),
  };
  const fields = [...marksOf(derivation, store).keys()];
  assert.deepEqual(fields.sort(), [
    'args',
    'buildPhase',
    'builder',
    'env',
    'out',
    'outputs',
    'system',
  ]);
});

const marks = { shell: '0a1b2c', src: 'ffffff' };
const image = kept(
  {
    one: { name: 'one', fields: marks },
    two: { name: 'two', inputs: ['one'], sources: { 'a.txt': 'x' }, fields: marks },
  },
  { layer: ['two', 'one'] },
);

test('what is kept is read back as it was written', () => {
  assert.deepEqual(readKept(writeKept(image)), image);
});

test('a document that leads nowhere is refused', () => {
  const document = JSON.parse(writeKept(image));
  const broken = [
    { ...document, format: 2 },
    { ...document, layers: [['layer', [2]]] },
    { ...document, derivations: [['one', 'id', [7], [], 0, '0a1b2cffffff']] },
    { ...document, derivations: [['one', 'id', [], [], 0, '0a1b2c']] },
    { ...document, derivations: [['one', 'id', [], [], 9, '']] },
    [],
  ];
  for (const value of broken) {
    assert.throws(() => readKept(JSON.stringify(value)), Failure, JSON.stringify(value));
  }
  assert.throws(() => readKept('{'), Failure);
});
