import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { Command, Finished } from '../../../src/host/process.ts';
import { parseDump, queryClosures, queryPathInfo, queryValid } from '../../../src/nix/store.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

function nixThat(answer: (command: Command) => Partial<Finished>): {
  nix: Nix;
  commands: Command[];
} {
  const commands: Command[] = [];
  const nix: Nix = {
    bin: '/bin',
    version: '2.34.8',
    storeDir: '/nix/store',
    env: {},
    host: quietHost({
      run: async command => {
        commands.push(command);
        return { code: 0, stdout: '', stderr: '', ...answer(command) };
      },
    }),
  };
  return { nix, commands };
}

const references: Record<string, string[]> = {
  '/nix/store/a': ['/nix/store/a', '/nix/store/b'],
  '/nix/store/b': ['/nix/store/c'],
  '/nix/store/c': [],
  '/nix/store/d': ['/nix/store/c'],
};

const hash = (digit: string) => digit.repeat(64);

const dumpOf = (paths: readonly string[]) =>
  paths
    .map(path => {
      const own = references[path] ?? [];
      return [path, hash('a'), '1200', '', String(own.length), ...own, ''].join('\n');
    })
    .join('');

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

test('the closures of several paths take two processes', async () => {
  const { nix, commands } = nixThat(({ args }) =>
    args[0] === '--dump-db'
      ? { stdout: dumpOf(args.slice(1)) }
      : { stdout: `${Object.keys(references).join('\n')}\n` },
  );
  const closures = await queryClosures(nix, ['/nix/store/a', '/nix/store/d']);
  assert.deepEqual(Object.fromEntries(closures), {
    '/nix/store/a': ['/nix/store/a', '/nix/store/b', '/nix/store/c'],
    '/nix/store/d': ['/nix/store/c', '/nix/store/d'],
  });
  assert.equal(commands.length, 2);
});

test('long lists of paths are divided among processes', async () => {
  const paths = Array.from({ length: 20_000 }, (_, at) => `/nix/store/${'x'.repeat(40)}-${at}`);
  const { nix, commands } = nixThat(({ args }) => ({ stdout: dumpOf(args.slice(1)) }));
  const infos = await queryPathInfo(nix, paths);
  assert.deepEqual([...infos.keys()], paths);
  assert.ok(commands.length > 1);
  for (const { args } of commands) assert.ok(args.join(' ').length < 1_000_000);
});

test('valid are those that the store does not call invalid; no paths, no process', async () => {
  const { nix, commands } = nixThat(() => ({ stdout: '/nix/store/b\n' }));
  const valid = await queryValid(nix, ['/nix/store/a', '/nix/store/b']);
  assert.deepEqual([...valid], ['/nix/store/a']);
  await queryValid(nix, []);
  assert.equal(commands.length, 1);
});

test("a store that does not answer is a failure with Nix's own words", async () => {
  const { nix } = nixThat(() => ({ code: 1, stderr: 'error: cannot connect to daemon\n' }));
  await assert.rejects(
    queryValid(nix, ['/nix/store/a']),
    error =>
      error instanceof Failure && error.details.evidence?.[0] === 'error: cannot connect to daemon',
  );
});
