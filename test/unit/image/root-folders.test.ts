import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  expandRootTree,
  type RootParts,
  type RootTree,
  readRootTree,
  rootContent,
  UnexpandedFolder,
} from '../../../src/image/root-layer.ts';
import { temporaryFolder } from './fixtures.ts';

const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;
const place = (text: string) => {
  const [name = '', ...below] = text.split('/');
  return { outPath: storePath(name), below: below.join('/') };
};
const folder = (at: string, ...from: string[]) => ({ at, from: from.map(place) });

/** What the root layer holds; store paths are called by their names. */
function merged(trees: Record<string, RootTree>, parts: Partial<RootParts>) {
  const known = new Map(Object.entries(trees).map(([name, tree]) => [storePath(name), tree]));
  const all = { roots: [], folders: [], directories: [], ...parts };
  const { entries, hidden } = rootContent(all, known);
  const short = (text = '') => text.replaceAll(storePath(''), '');
  return {
    holds: entries.map(({ type, path, target }) =>
      type === 'symlink' ? `${path} -> ${short(target)}` : `${path}/`,
    ),
    hidden: hidden.map(
      ({ path, taken, hidden: other }) => `${path}: ${short(taken)}, ${short(other)}`,
    ),
  };
}

const torch: RootTree = { torch: { 'a.py': 0, lib: { 'l.so': 0 }, include: {} }, bin: { run: 0 } };
const bytecode: RootTree = { torch: { __pycache__: { 'a.pyc': 0 } } };

test('links are as high as they can be, and a folder that two bring is a real one', () => {
  const { holds, hidden } = merged(
    { torch, bytecode },
    { folders: [folder('/opt/py', 'torch', 'bytecode')] },
  );
  assert.deepEqual(holds, [
    'opt/',
    'opt/py/',
    'opt/py/bin -> torch/bin',
    'opt/py/torch/',
    'opt/py/torch/__pycache__ -> bytecode/torch/__pycache__',
    'opt/py/torch/a.py -> torch/torch/a.py',
    'opt/py/torch/include -> torch/torch/include',
    'opt/py/torch/lib -> torch/torch/lib',
  ]);
  assert.deepEqual(hidden, []);
});

test('a source may be below a store path; what it does not have it does not bring', () => {
  const folders = [
    folder('/lib64', 'torch/torch/lib', 'bytecode/torch/lib', 'bytecode/none/at/all'),
  ];
  assert.deepEqual(merged({ torch, bytecode }, { folders }).holds, [
    'lib64/',
    'lib64/l.so -> torch/torch/lib/l.so',
  ]);
});

test('the first one wins a file, or a folder that others have a file at; each is told', () => {
  const trees = {
    one: { a: 0, b: { x: 0 }, c: 0, e: { x: 0 } },
    two: { a: 0, b: 0, c: { y: 0 }, e: 0 },
    three: { b: { z: 0 }, d: 0, e: 0 },
  } satisfies Record<string, RootTree>;
  const { holds, hidden } = merged(trees, {
    folders: [folder('/f', 'one', 'two', 'three', 'one')],
  });
  assert.deepEqual(holds, [
    'f/',
    'f/a -> one/a',
    'f/b/',
    'f/b/x -> one/b/x',
    'f/b/z -> three/b/z',
    'f/c -> one/c',
    'f/d -> three/d',
    'f/e -> one/e',
  ]);
  assert.deepEqual(hidden, [
    '/f/a: one/a, two/a',
    '/f/b: one/b, two/b',
    '/f/c: one/c, two/c',
    '/f/e: one/e, two/e',
    '/f/e: one/e, three/e',
  ]);
});

test('folders below folders: what is put there itself comes first, in whatever order they are named', () => {
  const trees = { outer: { in: { a: 0, b: 0, d: {} } }, inner: { a: 0, d: { c: 0 } } } as const;
  const folders = [folder('/f', 'outer'), folder('/f/in', 'inner')];
  for (const named of [folders, folders.toReversed()]) {
    const { holds, hidden } = merged(trees, { folders: named });
    assert.deepEqual(holds, [
      'f/',
      'f/in/',
      'f/in/a -> inner/a',
      'f/in/b -> outer/in/b',
      'f/in/d/',
      'f/in/d/c -> inner/d/c',
    ]);
    assert.deepEqual(hidden, ['/f/in/a: inner/a, outer/in/a']);
  }
});

test('roots, directories and folders meet in one tree', () => {
  const directories = [{ path: '/opt/data', mode: '0700', uid: 1, gid: 1 }];
  const trees = {
    base: { opt: { etc: { x: 0 } }, lib: { l: 0 } },
    wheel: { lib: { w: 0 }, d: {} },
  } as const;
  const parts = { roots: [storePath('base')], directories, folders: [folder('/opt', 'wheel')] };
  assert.deepEqual(merged(trees, parts).holds, [
    'lib/',
    'lib/l -> base/lib/l',
    'opt/',
    'opt/d -> wheel/d',
    'opt/data/',
    'opt/etc/',
    'opt/etc/x -> base/opt/etc/x',
    'opt/lib -> wheel/lib',
  ]);
  const same = { roots: [storePath('base')], folders: [folder('/lib', 'base/lib')] };
  assert.deepEqual(merged(trees, same).holds.slice(0, 2), ['lib/', 'lib/l -> base/lib/l']);
});

test('a file of a root and one of a folder are an error that names both, and so is one at a folder', () => {
  const trees = { base: { opt: { a: 0 } }, wheel: { a: 0, b: { c: 0 } } } as const;
  const roots = [storePath('base')];
  const both = /\/opt\/a of the image comes from two: \S+-wheel and \S+-base\./;
  assert.throws(() => merged(trees, { roots, folders: [folder('/opt', 'wheel')] }), both);
  const below = [folder('/opt/a/b', 'wheel')];
  assert.throws(() => merged(trees, { roots, folders: below }), /opt\/a .*-base and `folders`/);
  const folders = [folder('/opt', 'wheel')];
  const directories = [{ path: '/opt/b/c', mode: '0755', uid: 0, gid: 0 }];
  assert.throws(
    () => merged(trees, { folders, directories }),
    /opt\/b\/c .*-wheel and `directories`/,
  );
});

test('a folder of which nothing is there, and a source that is a file, are named', () => {
  const trees = { wheel: { bin: 0 } } as const;
  assert.throws(
    () => merged(trees, { folders: [folder('/opt/cuda', 'wheel/lib', 'wheel/bin/x')] }),
    /Nothing is in the folder \/opt\/cuda of the image: none of its sources is there/,
  );
  assert.throws(
    () => merged(trees, { folders: [folder('/opt', 'wheel/bin')] }),
    /-wheel\/bin is no folder/,
  );
  assert.deepEqual(merged({ wheel: {} }, { folders: [folder('/opt', 'wheel')] }).holds, ['opt/']);
});

test('names that objects have are names of files like others', () => {
  const tree = JSON.parse('{"__proto__":{"a":0},"constructor":0}') as RootTree;
  const folders = [folder('/f', 'wheel'), folder('/g', 'wheel/__proto__')];
  assert.deepEqual(merged({ wheel: tree }, { folders }).holds, [
    'f/',
    'f/__proto__ -> wheel/__proto__',
    'f/constructor -> wheel/constructor',
    'g/',
    'g/a -> wheel/__proto__/a',
  ]);
  const missing = [folder('/f', 'wheel'), folder('/g', 'wheel/toString', 'wheel/__proto__')];
  assert.equal(
    merged({ wheel: tree }, { folders: missing }).holds.at(-1),
    'g/a -> wheel/__proto__/a',
  );
});

test('links of a tree stay what they are, and are looked into where two meet or one is a source', t => {
  const store = temporaryFolder(t);
  for (const file of ['wheel/data/lib/a', 'other/lib64/b']) {
    mkdirSync(`${store}/${file}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${store}/${file}`, file);
  }
  symlinkSync('lib', `${store}/wheel/data/lib64`);
  mkdirSync(`${store}/other/data`);
  symlinkSync(`${store}/other/lib64`, `${store}/other/data/lib64`);
  const trees = new Map(
    ['wheel', 'other'].map(name => [`${store}/${name}`, readRootTree(`${store}/${name}`)]),
  );
  const places = (...texts: string[]) =>
    texts.map(text => {
      const [name = '', ...below] = text.split('/');
      return { outPath: `${store}/${name}`, below: below.join('/') };
    });
  const links = (...from: string[]): string[] => {
    const parts = { roots: [], directories: [], folders: [{ at: '/f', from: places(...from) }] };
    try {
      return rootContent(parts, trees).entries.map(({ path, target = '' }) => `${path} ${target}`);
    } catch (error) {
      assert.ok(error instanceof UnexpandedFolder, String(error));
      const tree = trees.get(error.outPath) ?? {};
      trees.set(error.outPath, expandRootTree(error.outPath, tree, error.path));
      return links(...from);
    }
  };
  assert.deepEqual(links('wheel/data'), [
    'f ',
    `f/lib ${store}/wheel/data/lib`,
    `f/lib64 ${store}/wheel/data/lib64`,
  ]);
  const both = [`f/lib64/a ${store}/wheel/data/lib64/a`, `f/lib64/b ${store}/other/data/lib64/b`];
  assert.deepEqual(links('wheel/data', 'other/data').slice(-2), both);
  assert.deepEqual(links('wheel/data/lib64'), ['f ', `f/a ${store}/wheel/data/lib64/a`]);
});
