import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causesOf, chainTo } from '../../../src/why/causes.ts';
import { compareDerivations } from '../../../src/why/compare.ts';
import type { KeptDerivations } from '../../../src/why/kept.ts';
import { kept, type Sketch } from './sample.ts';

const image: Record<string, Sketch> = {
  stdenv: { name: 'stdenv-linux', fields: { shell: '1' } },
  python: { name: 'python3-3.13.1', inputs: ['stdenv'], fields: { version: '1', src: '*' } },
  download: { name: 'torch-2.10.0.whl', fields: { outputHash: 'a' } },
  torch: { name: 'torch-2.10.0', inputs: ['python', 'download'], fields: { version: '1' } },
  deps: {
    name: 'layer4-deps',
    inputs: ['python'],
    sources: { 'requirements.txt': 'x' },
    fields: { buildPhase: '1' },
  },
};
const layers = { python: ['python'], pytorch: ['torch'], deps: ['deps'] };
const before = kept(image, layers);

const why = (now: KeptDerivations) => causesOf(compareDerivations(before, now));
const changed = (
  changes: Record<string, Partial<Sketch>>,
  of: Record<string, string[]> = layers,
) => {
  const sketches = { ...image };
  for (const [key, change] of Object.entries(changes)) {
    sketches[key] = { ...(image[key] ?? { name: key }), ...change };
  }
  return kept(sketches, of);
};
const none = { fields: [], sources: [], added: [], removed: [] };

test('what makes the same has no cause', () => {
  assert.deepEqual(why(changed({})), { causes: [], more: 0, derivations: 0 });
});

test('a file that changed is the cause of its layer', () => {
  const { causes } = why(changed({ deps: { sources: { 'requirements.txt': 'y' } } }));
  assert.deepEqual(causes, [
    { ...none, name: 'layer4-deps', sources: ['requirements.txt'], layers: ['deps'], rebuilds: 1 },
  ]);
});

test('a new version is one cause, with its download and its fields', () => {
  const { causes, derivations } = why(
    changed({
      download: { name: 'torch-2.11.0.whl', fields: { outputHash: 'b' } },
      torch: { name: 'torch-2.11.0', fields: { version: '2' } },
    }),
  );
  const version = { from: '2.10.0', to: '2.11.0' };
  assert.deepEqual(causes, [
    { ...none, name: 'torch-2.11.0', version, layers: ['pytorch'], rebuilds: 1 },
  ]);
  assert.equal(derivations, 2);
});

test('a download of the same version is its own cause', () => {
  const { causes } = why(changed({ download: { fields: { outputHash: 'b' } } }));
  assert.deepEqual(causes, [
    { ...none, name: 'torch-2.10.0.whl', content: true, layers: ['pytorch'], rebuilds: 2 },
  ]);
});

test('what only follows is counted, and no cause', () => {
  const { causes, derivations } = why(changed({ stdenv: { fields: { shell: '2' } } }));
  assert.deepEqual(causes, [
    {
      ...none,
      name: 'stdenv-linux',
      fields: ['shell'],
      layers: ['python', 'pytorch', 'deps'],
      rebuilds: 4,
    },
  ]);
  assert.equal(derivations, 4);
});

test('two changes on one way are two causes, the one that moves more first', () => {
  const { causes } = why(
    changed({ stdenv: { fields: { shell: '2' } }, deps: { fields: { buildPhase: '2' } } }),
  );
  assert.deepEqual(
    causes.map(({ name, fields, rebuilds }) => [name, fields, rebuilds]),
    [
      ['stdenv-linux', ['shell'], 4],
      ['layer4-deps', ['buildPhase'], 1],
    ],
  );
});

test('an input that is new, and one that is gone, are told where they are taken', () => {
  const { causes } = why(changed({ zlib: { name: 'zlib-1.3' }, deps: { inputs: ['zlib'] } }));
  assert.deepEqual(
    causes.map(({ name, added, removed }) => [name, added, removed]),
    [['layer4-deps', ['zlib-1.3'], ['python3-3.13.1']]],
  );
});

test('a target that is new is told of its layer, and a new layer has no cause', () => {
  const more = { ...layers, pytorch: ['torch', 'vision'], extra: ['vision'] };
  const { causes } = why(changed({ vision: { name: 'torchvision-0.25' } }, more));
  assert.deepEqual(causes, [
    { ...none, name: 'pytorch', added: ['torchvision-0.25'], layers: ['pytorch'], rebuilds: 0 },
  ]);
});

test('of several inputs of one name those that have most in common are compared', () => {
  const two = (one: string, other: string) =>
    kept(
      {
        first: { name: 'source', fields: { url: one, outputHash: one } },
        second: { name: 'source', fields: { url: other, outputHash: other, rev: '1' } },
        app: { name: 'app', inputs: one < other ? ['first', 'second'] : ['second', 'first'] },
      },
      { app: ['app'] },
    );
  const { causes } = causesOf(compareDerivations(two('a', 'b'), two('c', 'b')));
  assert.deepEqual(
    causes.map(({ name, content }) => [name, content]),
    [['source', true]],
  );
});

test('a change that left no trace is the cause itself', () => {
  const [one, other] = [structuredClone(before), structuredClone(before)];
  Object.assign(other.derivations[0] ?? {}, { id: 'other' });
  const { causes } = causesOf(compareDerivations(one, other));
  assert.deepEqual(causes, []); // what uses it makes the same: nobody looks there
  Object.assign(other.derivations[1] ?? {}, { id: 'another' });
  const found = causesOf(compareDerivations(one, other));
  assert.deepEqual(
    found.causes.map(({ name }) => name),
    ['stdenv-linux'],
  );
});

test('the way from a layer to its cause is told by names', () => {
  const changes = compareDerivations(before, changed({ stdenv: { fields: { shell: '2' } } }));
  assert.deepEqual(chainTo(changes, 'pytorch'), [
    'pytorch',
    'torch-2.10.0',
    'python3-3.13.1',
    'stdenv-linux',
  ]);
  assert.deepEqual(chainTo(changes, 'pytorch', 'python3-3.13.1'), [
    'pytorch',
    'torch-2.10.0',
    'python3-3.13.1',
  ]);
  assert.deepEqual(chainTo(changes, 'nothing'), []);
});
