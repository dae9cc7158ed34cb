import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { parseDump, queryPathInfo, queryRequisites, queryValid } from '../../../src/nix/store.ts';
import { standInStore, storePath } from '../../tools/stand-in-store.ts';

const hash = (digit: string) => digit.repeat(64);
const [a, b, c] = [storePath('a'), storePath('b'), storePath('c')];

test('a dump of the database is read, with and without derivers and references', () => {
  const dump = [
    ...['/nix/store/a', hash('a'), '120', '/nix/store/a.drv', '2', '/nix/store/a', '/nix/store/b'],
    ...['/nix/store/b', hash('d'), '96', '', '0', ''],
  ].join('\n');
  assert.deepEqual(
    parseDump(dump),
    new Map([
      [
        '/nix/store/a',
        {
          narSize: 120,
          narHash: `sha256:${hash('a')}`,
          references: ['/nix/store/a', '/nix/store/b'],
        },
      ],
      ['/nix/store/b', { narSize: 96, narHash: `sha256:${hash('d')}`, references: [] }],
    ]),
  );
  assert.deepEqual(parseDump(''), new Map());
});

test('what is no dump is a failure, and ends', () => {
  const line = ['/nix/store/a', hash('a'), '120', ''];
  for (const [count, ...rest] of [['-5'], ['x'], ['1e3'], ['2', '/nix/store/a'], ['1', 'a']]) {
    assert.throws(() => parseDump([...line, count, ...rest, ''].join('\n')), Failure, count);
  }
  assert.throws(() => parseDump('a\nb\n'), Failure);
  const noPath = ['a', hash('a'), '1', '', '0', ''].join('\n');
  assert.throws(() => parseDump(noPath), /Line 1 of what nix-store --dump-db says/);
  assert.throws(() => parseDump(['/nix/store/a', 'abc', '1', '', '0', ''].join('\n')), Failure);
});

for (const version of ['2.8.0', '2.14.1', '2.15.0', '2.34.8']) {
  test(`the store is asked as Nix ${version} can be`, async () => {
    const references = new Map([
      [a, [b]],
      [b, [b]],
    ]);
    const { nix, asked } = standInStore(references, version);
    assert.deepEqual(await queryValid(nix, [a, c]), new Set([a]));
    assert.deepEqual(await queryRequisites(nix, [a]), [a, b]);
    assert.deepEqual((await queryPathInfo(nix, [b])).get(b), {
      narSize: 100,
      narHash: `sha256:${hash('0')}`,
      references: [b],
    });
    assert.deepEqual(asked, [
      { words: '--check-validity --print-invalid', paths: [a, c] },
      { words: '--query --requisites', paths: [a] },
      { words: '--dump-db', paths: [b] },
    ]);
    await queryValid(nix, []);
    await queryRequisites(nix, []);
    assert.equal(asked.length, 3, 'no paths, no process');
  });
}

test('30,000 paths take one process, or two where they are arguments', async () => {
  const paths = Array.from({ length: 30_000 }, (_, at) => storePath(`python3.12-package-${at}`));
  for (const [version, processes] of [
    ['2.8.0', 2],
    ['2.34.8', 1],
  ] as const) {
    const { nix, asked } = standInStore(new Map(paths.map(path => [path, []])), version);
    assert.deepEqual([...(await queryPathInfo(nix, paths)).keys()], paths);
    assert.equal(asked.length, processes);
  }
});

test("a store that does not answer is a failure with Nix's own words", async () => {
  const { nix } = standInStore(new Map());
  await assert.rejects(
    queryRequisites(nix, [a]),
    error =>
      error instanceof Failure && error.details.evidence?.[0] === `error: path '${a}' is not valid`,
  );
});
