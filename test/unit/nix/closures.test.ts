import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { startClosures } from '../../../src/nix/closures.ts';
import { standInSize, standInStore, storePath } from '../../tools/stand-in-store.ts';

const [app, base, lib, other] = ['app', 'base', 'lib', 'other'].map(storePath) as [
  string,
  string,
  string,
  string,
];

/** app → lib → base, other → base; base refers to itself, as glibc does. */
const references = () =>
  new Map([
    [app, [lib]],
    [lib, [base]],
    [base, [base]],
    [other, [base]],
  ]);

const sized = (...paths: string[]) => paths.map(path => ({ path, narSize: standInSize }));

test('closures of several paths take two questions, and none a second time', async () => {
  const { nix, asked } = standInStore(references());
  const closures = startClosures();
  assert.deepEqual(await closures.of(nix, app, [other]), sized(app, base, lib));
  assert.deepEqual(
    asked.map(({ words }) => words),
    ['--query --requisites', '--dump-db'],
  );
  assert.deepEqual(await closures.of(nix, other), sized(base, other));
  assert.deepEqual(await closures.of(nix, lib), sized(base, lib));
  assert.deepEqual(
    await closures.here(nix, [app, other]),
    new Map([
      [app, sized(app, base, lib)],
      [other, sized(base, other)],
    ]),
  );
  assert.deepEqual(await closures.sized(nix, [other, lib]), sized(other, lib));
  assert.equal(asked.length, 2);
});

test('of a closure that grows, only what is new is asked for', async () => {
  const { nix, asked } = standInStore(references());
  const closures = startClosures();
  await closures.of(nix, lib);
  assert.deepEqual(await closures.of(nix, app), sized(app, base, lib));
  assert.deepEqual(asked.at(-1), { words: '--dump-db', paths: [app] });
  // known on both sides of what is not
  await closures.of(nix, other);
  assert.deepEqual(asked.at(-1), { words: '--dump-db', paths: [other] });
});

test('a path whose size alone is known has no closure yet', async () => {
  const { nix, asked } = standInStore(references());
  const closures = startClosures();
  assert.deepEqual(await closures.sized(nix, [app, base]), sized(app, base));
  assert.deepEqual(await closures.of(nix, app), sized(app, base, lib));
  assert.deepEqual(asked.at(-1), { words: '--dump-db', paths: [lib] });
});

test('of paths that may be valid or not, those are told that are', async () => {
  const store = references();
  store.delete(app);
  const { nix, asked } = standInStore(store);
  const closures = startClosures();
  assert.deepEqual([...(await closures.here(nix, [app, lib])).keys()], [lib]);
  assert.deepEqual(await closures.here(nix, [lib]), new Map([[lib, sized(base, lib)]]));
  assert.equal(asked.length, 3);
  store.set(app, [lib]);
  assert.deepEqual([...(await closures.here(nix, [app, lib])).keys()], [app, lib]);
  assert.deepEqual(asked[3], { words: '--check-validity --print-invalid', paths: [app] });
  assert.deepEqual(await closures.here(startNothing().nix, []), new Map());
});

const startNothing = () => standInStore(new Map());

test('what is not valid, or vanishes between two questions, is a failure', async () => {
  await assert.rejects(startClosures().of(startNothing().nix, app), Failure);
  const { nix } = standInStore(references());
  const { run } = nix.host;
  const silent: typeof run = command =>
    command.args.includes('--dump-db')
      ? Promise.resolve({ code: 0, stdout: '', stderr: '' })
      : run(command);
  const forgetful = { ...nix, host: { ...nix.host, run: silent } };
  await assert.rejects(startClosures().of(forgetful, app), /The store has lost .*-app/);
});
