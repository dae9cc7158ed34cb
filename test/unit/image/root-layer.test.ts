import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { expandRootTree, readRootTree, UnexpandedFolder } from '../../../src/image/root-layer.ts';
import { parseRootTree } from '../../../src/image/root-tree.ts';
import { rootEntries } from '../../tools/root-entries.ts';
import { temporaryFolder } from './fixtures.ts';

/**
 * A store with a package, an environment that links to it, and a package of links that lead out. Its files
 * are in the folder `place`.
 */
function smallStore(store: string, place = store) {
  const write = (file: string) => {
    mkdirSync(`${place}/${file}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${place}/${file}`, file);
  };
  for (const file of ['pkg/bin/tool', 'pkg/etc/tool.conf', 'pkg/share/man/man1/tool.1'])
    write(file);
  write('pkg/nix-support/propagated-build-inputs');
  mkdirSync(`${place}/env/share`, { recursive: true });
  symlinkSync(`${store}/pkg/bin`, `${place}/env/bin`);
  symlinkSync('../pkg/etc', `${place}/env/etc`);
  symlinkSync(`${store}/pkg/share/man`, `${place}/env/share/man`);
  for (const file of ['other/share/man/man1/other.1', 'other/bin/other']) write(file);
  mkdirSync(`${place}/out`);
  symlinkSync('/', `${place}/out/slash`);
  symlinkSync('../../../../..', `${place}/out/up`);
  symlinkSync('loop', `${place}/out/loop`);
  symlinkSync('missing', `${place}/out/dangling`);
  return { pkg: `${store}/pkg`, env: `${store}/env`, other: `${store}/other`, out: `${store}/out` };
}

const rootOf = (outPath: string) => ({ outPath, tree: readRootTree(outPath) });
const listing = (...args: Parameters<typeof rootEntries>) =>
  rootEntries(...args).map(({ type, path, mode, target }) =>
    type === 'symlink' ? `${path} -> ${target}` : `${path} ${mode.toString(8)}`,
  );

test('links to folders become real folders at the top, and stay links below', t => {
  const { env } = smallStore(temporaryFolder(t));
  assert.deepEqual(listing([rootOf(env)], []), [
    'bin 755',
    `bin/tool -> ${env}/bin/tool`,
    'etc 755',
    `etc/tool.conf -> ${env}/etc/tool.conf`,
    'share 755',
    `share/man -> ${env}/share/man`,
  ]);
});

test('a link to a folder further up in its own output is a folder to others', t => {
  const store = temporaryFolder(t);
  for (const file of ['one/man/man1/a', 'two/share/man/man1/b']) {
    mkdirSync(`${store}/${file}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${store}/${file}`, file);
  }
  mkdirSync(`${store}/one/share`);
  symlinkSync('../man', `${store}/one/share/man`);
  const [one, two] = [rootOf(`${store}/one`), rootOf(`${store}/two`)];
  assert.ok(listing([one], []).includes(`share/man -> ${store}/one/share/man`));
  assert.throws(() => listing([one, two], []), UnexpandedFolder);
  const expanded = { ...one, tree: expandRootTree(one.outPath, one.tree, 'share/man') };
  assert.deepEqual(listing([expanded, two], []).slice(-4), [
    'share/man 755',
    'share/man/man1 755',
    `share/man/man1/a -> ${store}/one/share/man/man1/a`,
    `share/man/man1/b -> ${store}/two/share/man/man1/b`,
  ]);
});

test('build metadata stays out, and links that lead out of the store are leaves', t => {
  const { pkg, out } = smallStore(temporaryFolder(t));
  assert.equal(readRootTree(pkg)['nix-support'], undefined);
  assert.deepEqual(readRootTree(out), { dangling: 0, loop: 0, slash: 0, up: 0 });
});

test('the trees of a store are the same wherever its files are', t => {
  const here = smallStore(temporaryFolder(t));
  const place = temporaryFolder(t);
  const elsewhere = smallStore('/there/is/no/store', place);
  for (const name of ['pkg', 'env', 'other', 'out'] as const) {
    assert.deepEqual(readRootTree(elsewhere[name], place), readRootTree(here[name]), name);
  }
  const tree = readRootTree(here.env);
  assert.deepEqual(
    expandRootTree(elsewhere.env, tree, 'share/man', place),
    expandRootTree(here.env, tree, 'share/man'),
  );
  assert.notDeepEqual(tree, expandRootTree(here.env, tree, 'share/man'));
});

test('a folder in which roots meet is expanded, if need be after asking', t => {
  const { env, other } = smallStore(temporaryFolder(t));
  const roots = [rootOf(env), rootOf(other)];
  let asked: UnexpandedFolder | undefined;
  try {
    rootEntries(roots, []);
  } catch (error) {
    assert.ok(error instanceof UnexpandedFolder);
    asked = error;
  }
  assert.equal(asked?.outPath, env);
  assert.equal(asked?.path, 'share/man');
  const tree = expandRootTree(env, readRootTree(env), 'share/man');
  const expanded = { outPath: env, tree: parseRootTree(JSON.parse(JSON.stringify(tree))) ?? {} };
  assert.deepEqual(listing([expanded, rootOf(other)], []).slice(-5), [
    'share 755',
    'share/man 755',
    'share/man/man1 755',
    `share/man/man1/other.1 -> ${other}/share/man/man1/other.1`,
    `share/man/man1/tool.1 -> ${env}/share/man/man1/tool.1`,
  ]);
  // what a tree happens to know does not change an image that does not need it
  assert.deepEqual(rootEntries([expanded], []), rootEntries([rootOf(env)], []));
});

test('directories have their mode and owner, and parents', t => {
  const { pkg } = smallStore(temporaryFolder(t));
  const directory = { mode: '0700', uid: 7, gid: 8 };
  const entries = rootEntries(
    [rootOf(pkg), rootOf(pkg)],
    [
      { path: '/tmp', mode: '1777', uid: 0, gid: 0 },
      { path: '/home/user/', ...directory },
      { path: '/etc', ...directory },
    ],
  );
  const find = (path: string) => entries.find(entry => entry.path === path);
  assert.equal(find('tmp')?.mode, 0o1777);
  assert.deepEqual([find('home')?.mode, find('home')?.uid], [0o755, undefined]);
  assert.deepEqual(
    [find('home/user')?.mode, find('home/user')?.uid, find('home/user')?.gid],
    [0o700, 7, 8],
  );
  assert.equal(find('etc')?.mode, 0o700);
  const paths = entries.map(entry => entry.path);
  assert.deepEqual(paths, [...paths].sort());
});

test('one path from two is an error that names both', t => {
  const { pkg, env } = smallStore(temporaryFolder(t));
  const both = (error: unknown) =>
    error instanceof Failure && error.message.includes(pkg) && error.message.includes(env);
  assert.throws(() => rootEntries([rootOf(pkg), rootOf(env)], []), both);
  const wanted = [{ path: '/bin/tool', mode: '0755', uid: 0, gid: 0 }];
  assert.throws(() => rootEntries([rootOf(pkg)], wanted), /bin\/tool .*pkg and `directories`/);
  const nix = { outPath: '/s/x', tree: { nix: { store: {} } } };
  assert.throws(() => rootEntries([nix], []), /the Nix store/);
});

test('links are followed within the store, as many as the system follows', t => {
  const store = temporaryFolder(t);
  mkdirSync(`${store}/pkg/real/deep`, { recursive: true });
  writeFileSync(`${store}/pkg/real/deep/file`, '');
  const link = (target: string, name: string) => symlinkSync(target, `${store}/pkg/${name}`);
  link('real', '1');
  for (let at = 2; at <= 41; at += 1) link(String(at - 1), String(at));
  const tree = readRootTree(`${store}/pkg`);
  const folder = [{ deep: { file: 0 } }];
  assert.deepEqual([tree['1'], tree['39'], tree['40'], tree['41']], [folder, folder, folder, 0]);
  link('./real//deep/.', 'winding');
  link(`${store}/pkg/real/deep`, 'absolute');
  link(`${store}/../${store.slice(store.lastIndexOf('/') + 1)}/pkg/real/deep`, 'out-and-in');
  link('real/deep/file', 'to-a-file');
  link('real/none', 'to-nothing');
  link('../..', 'to-above');
  link('..', 'to-the-store');
  const found = readRootTree(`${store}/pkg`);
  const names = ['winding', 'absolute', 'out-and-in', 'to-a-file', 'to-nothing', 'to-above'];
  assert.deepEqual(
    names.map(name => found[name]),
    [[{ file: 0 }], [{ file: 0 }], [{ file: 0 }], 0, 0, 0],
  );
  assert.equal(found['to-the-store'], 0, 'the store itself is no folder of it');
});

test('what lies deeper than a tree may be is refused where it is read', t => {
  const store = temporaryFolder(t);
  const nested = (depth: number) => Array.from({ length: depth }, () => 'a').join('/');
  mkdirSync(`${store}/deep/${nested(500)}`, { recursive: true });
  assert.throws(() => readRootTree(`${store}/deep`), /lies more than 500 folders deep/);
  const tree = (depth: number): unknown =>
    JSON.parse(`${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`);
  assert.ok(parseRootTree(tree(500)));
  assert.equal(parseRootTree(tree(501)), undefined);
  const linked = (depth: number): unknown =>
    JSON.parse(`${'{"a":['.repeat(depth)}{}${']}'.repeat(depth)}`);
  assert.ok(parseRootTree(linked(499)));
  assert.equal(parseRootTree(linked(500)), undefined);
});

test('a link is looked into wherever it is, and nothing else is', t => {
  const { env, pkg } = smallStore(temporaryFolder(t));
  const tree = readRootTree(env);
  assert.deepEqual(tree, { bin: [{ tool: 0 }], etc: [{ 'tool.conf': 0 }], share: { man: 1 } });
  const expanded = expandRootTree(env, tree, 'share/man');
  assert.deepEqual(expanded, { ...tree, share: { man: [{ man1: { 'tool.1': 0 } }] } });
  assert.deepEqual(expandRootTree(pkg, { bin: 0 }, 'bin/x'), { bin: 0 }, 'there is nothing below');
  const below = { ...tree, bin: [{ tool: 0, more: 1 }] };
  mkdirSync(`${pkg}/bin/more`);
  const found = expandRootTree(env, JSON.parse(JSON.stringify(below)), 'bin/more');
  assert.deepEqual(found.bin, [{ tool: 0, more: [{}] }]);
});

test('a folder that is wanted keeps a link from taking its place, and only that', t => {
  const { env, pkg } = smallStore(temporaryFolder(t));
  const directory = { mode: '0700', uid: 0, gid: 0 };
  assert.throws(
    () => rootEntries([rootOf(env)], [{ path: '/share/man', ...directory }]),
    (error: unknown) => error instanceof UnexpandedFolder && error.path === 'share/man',
  );
  const below = rootEntries([rootOf(pkg)], [{ path: '/bin/extra/', ...directory }]);
  assert.deepEqual(
    below.filter(({ path }) => path.startsWith('bin')).map(({ path }) => path),
    ['bin', 'bin/extra', 'bin/tool'],
  );
  const nix = rootEntries([], [{ path: '/nix/var', ...directory }]);
  assert.deepEqual(
    nix.map(({ path }) => path),
    ['nix', 'nix/var'],
  );
  for (const path of ['/', '', '/./x', '/a/../b']) {
    assert.throws(() => rootEntries([], [{ path, ...directory }]), /is no folder below \//, path);
  }
  const twice = [
    { path: '/a/b', ...directory },
    { path: '/a', ...directory, mode: '0711' },
  ];
  for (const wanted of [twice, twice.toReversed()]) {
    assert.deepEqual(listing([], wanted), ['a 711', 'a/b 700']);
  }
});

test('a root that is a file is refused, a damaged tree is none', t => {
  const { pkg } = smallStore(temporaryFolder(t));
  assert.throws(() => readRootTree(`${pkg}/bin/tool`), /is no folder/);
  for (const value of [
    null,
    [],
    { a: 2 },
    { 'a/b': 0 },
    { '..': 0 },
    { a: [] },
    { a: [0] },
    { '': 0 },
    { '.': 0 },
    { 'a\0': 0 },
    { a: [{}, {}] },
    { a: '0' },
    { a: null },
    5,
  ]) {
    assert.equal(parseRootTree(value), undefined, JSON.stringify(value));
  }
});
