import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTcpProxy } from '../../tools/faulty-proxy.ts';
import { startNginx } from '../../tools/nginx.ts';
import { type PhaseResult, type Runner, startRunner } from '../../tools/runner.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';
import { must, newKey } from './binary-caches.ts';
import { modeOf } from './secrets.ts';

const phase = (name: string) =>
  fileURLToPath(new URL(`../../../src/action/${name}.ts`, import.meta.url));

type Variables = Readonly<Record<string, string>>;

/** Runs the action's set-up as a step of a job, and then what a later step runs. */
async function job(t: TestContext) {
  const runner = await startRunner();
  t.after(() => runner.dispose());
  const setUp = (inputs: Variables, env: Variables = {}, token = '') => {
    const all = { command: 'setup', 'cuda-caches': 'false', 'reclaim-disk': 'false', ...inputs };
    return runner.run(phase('main'), { inputs: all, env, token });
  };
  const later = (main: PhaseResult, command: readonly string[], env: Variables = {}) =>
    runner.step(command, { env: { ...env, ...main.env } });
  return { runner, setUp, later };
}

const warningsIn = ({ log }: PhaseResult) =>
  log.split('\n').filter(line => line.startsWith('::warning'));

const showConfig = ['nix', '--extra-experimental-features', 'nix-command', 'show-config'];

test("the workflow's NIX_CONFIG wins no more, keeps what it says besides, and gives no token away", async t => {
  const { setUp, later } = await job(t);
  const hole = await startTcpProxy('127.0.0.1:1', () => ({ refuse: true }));
  await hole.stop();
  const folder = await mkdtemp(join(tmpdir(), 'asked-'));
  t.after(() => rm(folder, { recursive: true }));
  const env = {
    NIX_CONFIG: [
      `substituters = http://${hole.address} file://${folder}`,
      'experimental-features = nix-command',
      'access-tokens = git.example=hunter2',
      'max-silent-time = 4321',
    ].join('\n'),
  };
  const inputs = {
    'extra-substituters': `file://${folder}/added`,
    'access-tokens': 'other.example=hunter3',
    'nix-conf': 'keep-going = true\nmax-silent-time = 1234',
  };
  const main = await setUp(inputs, env);
  assert.equal(main.code, 0, main.log);
  assert.match(main.log, /^NIX_CONFIG of the workflow \(line 1\) wins over what this run sets: /m);
  assert.equal(warningsIn(main).length, 1, main.log); // the cache that is left out
  const { log } = await later(main, showConfig, env);
  assert.match(log, new RegExp(`^substituters = file://${folder} file://${folder}/added$`, 'm'));
  assert.match(log, /^keep-going = true$/m);
  assert.match(log, /^max-silent-time = 1234$/m);
  assert.match(log, /^experimental-features = .*flakes/m);
  assert.match(log, /^access-tokens = +git\.example=hunter2 other\.example=hunter3$/m);
  const { NIX_CONFIG = '' } = main.env;
  assert.doesNotMatch(JSON.stringify([main.env, main.state, main.outputs]), /hunter/);
  const files = [...NIX_CONFIG.matchAll(/^!include (\S+)$/gm)].map(([, file = '']) => file);
  assert.deepEqual(files.map(modeOf), ['600', '600']);
  assert.match(main.summary, /\| substituters \| .*added/);
});

test('a NIX_CONFIG without secrets stays as it is, with one more line', async t => {
  const { setUp, later } = await job(t);
  const env = { NIX_CONFIG: 'cores = 3' };
  const main = await setUp({ cores: '2' }, env);
  assert.equal(main.code, 0, main.log);
  assert.match(main.env.NIX_CONFIG ?? '', /^cores = 3\n!include \S+$/);
  assert.match((await later(main, showConfig, env)).log, /^cores = 2$/m);
  const unharmed = await setUp({}, env);
  assert.equal(unharmed.env.NIX_CONFIG, undefined, 'nothing was to be mended');
});

test('broken settings are that, and no second Nix is installed', async t => {
  const { setUp } = await job(t);
  const inputs = { 'nix-release-url': 'file:///nonexistent' };
  for (const [config, told] of [
    ['cores = 1\nsubstituters: hunter2', /NIX_CONFIG, line 2: this is no line of the form/],
    ['max-jobs = hunter2', /NIX_CONFIG, line 1: max-jobs has a value that Nix does not take/],
    [
      'include /nonexistent/nix.conf',
      /line 1: the file \/nonexistent\/nix\.conf is to be included/,
    ],
  ] as const) {
    const main = await setUp(inputs, { NIX_CONFIG: config });
    assert.equal(main.code, 1, main.log);
    assert.match(main.log, /::error::The Nix in \S+ is there, but its settings are broken/);
    assert.match(main.log, told);
    assert.doesNotMatch(main.log, /hunter2|nonexistent\/nix-/);
  }
});

test('lines of nix-conf that Nix refuses end the set-up before anything is kept', async t => {
  const { setUp, runner } = await job(t);
  for (const [lines, told] of [
    ['cores = 1\nthis is hunter2', /the input nix-conf says: line 2: this is no line of the form/],
    ['sandbox = hunter2', /the input nix-conf says: line 1: sandbox has a value/],
    ['include /nonexistent', /the input nix-conf says: line 1: the file \/nonexistent/],
  ] as const) {
    const main = await setUp({ 'nix-conf': lines });
    assert.equal(main.code, 1, main.log);
    assert.match(main.log, told);
    assert.doesNotMatch(main.log, /hunter2|is ready/);
    assert.deepEqual([main.env, main.path], [{}, []]);
  }
  const included = join(runner.workspace, 'more.conf');
  await writeFile(included, 'keep-going = true\n');
  const main = await setUp({ 'nix-conf': `include ${included}\neval-cores-of-others = 2` });
  assert.equal(main.code, 0, main.log);
  assert.match(warningsIn(main).join('\n'), /has no setting eval-cores-of-others/);
});

test("a token of an Enterprise Server's job is for that server; an input's beats the user's own", async t => {
  const { runner, setUp, later } = await job(t);
  await ownConf(runner, 'access-tokens = a.example=old b.example=kept\n');
  const env = { GITHUB_SERVER_URL: 'https://git.example' };
  const main = await setUp({ 'access-tokens': 'a.example=new' }, env, 'ghs_job');
  assert.equal(main.code, 0, main.log);
  const { log } = await later(main, showConfig);
  const [, tokens = ''] = /^access-tokens = +(.*)$/m.exec(log) ?? [];
  assert.deepEqual(tokens.split(' ').sort(), [
    ...['a.example=new', 'b.example=kept', 'git.example=ghs_job'],
  ]);
  assert.match(main.summary, /\| tokens for \| a\.example/);
});

/** A cache that wants a login, with a path that the store has no more. */
async function privateCache(t: TestContext) {
  const { nix, folder } = await workbench(t);
  const login = { username: 'reader', password: 'hunter2' };
  const nginx = await startNginx({ readOnly: true, login });
  t.after(nginx.stop);
  const { secret, publicKey } = await newKey(nix, 'private-1');
  await writeFile(join(folder, 'key'), secret, { mode: 0o600 });
  const name = `asked-${process.pid}-${Math.random().toString(36).slice(2)}`;
  await writeFlake(folder, `x = sh "${name}" "echo x > $out" { };`);
  const link = join(folder, 'x');
  await must(nix, 'nix', ['build', '--out-link', link, `path:${folder}/flake#x`]);
  const path = await realpath(link);
  await rm(link);
  const cache = `file://${nginx.folder}?secret-key=${folder}/key`;
  await must(nix, 'nix', ['copy', '--to', cache, path]);
  await must(nix, 'nix-store', ['--delete', path]);
  const netrc = join(folder, 'netrc');
  await writeFile(netrc, '# of this test\ndefault\n  login reader password "hunter2"\n');
  const conf = `substituters = http://${nginx.address}\ntrusted-public-keys = ${publicKey}\n`;
  return { nix, url: `http://${nginx.address}`, publicKey, path, netrc, conf };
}

async function ownConf({ home }: Runner, text: string): Promise<void> {
  await mkdir(join(home, '.config/nix'), { recursive: true });
  await writeFile(join(home, '.config/nix/nix.conf'), text);
}

test("a cache of the user's own is probed with the login of its netrc file, and stays", async t => {
  const { runner, setUp, later } = await job(t);
  const { url, path, netrc, conf } = await privateCache(t);
  await ownConf(runner, `${conf}netrc-file = ${netrc}\n`);
  const main = await setUp({});
  assert.equal(main.code, 0, main.log);
  assert.deepEqual(warningsIn(main), []);
  const { log } = await later(main, ['nix-store', '--realise', path]);
  assert.match(log, new RegExp(`copying path '${path}' from '${url}'`));

  // without the login it is told, once, and nobody takes it out of the list
  await ownConf(runner, conf);
  await rm(join(runner.temp, 'comfy-nix-substituters.json'));
  const bare = await setUp({});
  assert.equal(bare.code, 0, bare.log);
  const [told = '', ...others] = warningsIn(bare);
  assert.deepEqual(others, []);
  assert.match(told, /refuse to be read: http:\S+ \(it answers 401\)\. They stay in use/);
  assert.match((await later(bare, showConfig)).log, new RegExp(`^substituters = ${url}$`, 'm'));
});

test('a cache of the inputs is probed with the login that nix-conf names', async t => {
  const { setUp, later } = await job(t);
  const { url, path, publicKey, netrc } = await privateCache(t);
  const inputs = {
    'extra-substituters': url,
    'extra-trusted-public-keys': publicKey,
    'nix-conf': `netrc-file = ${netrc}`,
  };
  const main = await setUp(inputs);
  assert.equal(main.code, 0, main.log);
  assert.deepEqual(warningsIn(main), []);
  const { log } = await later(main, ['nix-store', '--realise', path]);
  assert.match(log, new RegExp(`copying path '${path}' from '${url}'`));
  const { log: refused } = await setUp({ ...inputs, 'nix-conf': '' });
  assert.match(
    refused,
    /::warning::Caches that cannot be used are left out: http:\S+ \(it answers 401\)/,
  );
});
