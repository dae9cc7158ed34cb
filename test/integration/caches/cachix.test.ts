import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startCachixPush } from '../../../src/caches/cachix.ts';
import type { Nix } from '../../../src/nix/types.ts';
import {
  type CachixPlan,
  type CachixStandIn,
  installCachixStandIn,
} from '../../tools/cachix-stand-in/install.ts';
import { hostWithPrograms } from '../../tools/host.ts';

/** A stand-in for cachix on PATH, and what is needed to push with it. No Nix runs. */
async function bench(test: TestContext, plan: Partial<CachixPlan>, signal?: AbortSignal) {
  const folder = await mkdtemp(join(tmpdir(), 'cachix-test-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  const cachix = await installCachixStandIn(folder, plan);
  const privateDirectory = join(folder, 'private');
  await mkdir(privateDirectory);
  const env = { PATH: cachix.bin, INPUT_SECRET: 'of-the-runner' };
  const host = hostWithPrograms(env, { signal });
  const nix: Nix = {
    bin: '/nonexistent',
    version: '2.34.8',
    storeDir: '/nix/store',
    env: { NIX_CONFIG: 'max-jobs = 1' },
    host,
  };
  return { cachix, host, warnings: host.warnings, nix, privateDirectory };
}

const path = (name: string) => `/nix/store/${'a'.repeat(32)}-${name}`;
const commandsOf = async (cachix: CachixStandIn) =>
  (await cachix.calls()).map(({ words }) => words.filter(word => !word.startsWith('/')).join(' '));

test('what was built is pushed while the build goes on, and waited for at the end', async t => {
  const { cachix, host, warnings, nix, privateDirectory } = await bench(t, {
    caches: { mine: 'token-1' },
  });
  const options = { name: 'mine', token: 'token-1' };
  const target = await startCachixPush(nix, options, host, privateDirectory);
  target.push(path('first'));
  target.push(path('first'));
  target.push(path('second'));
  assert.deepEqual(await target.finish(), { name: 'mine', pushed: 2, failed: [] });
  assert.deepEqual(warnings, []);
  assert.deepEqual(await commandsOf(cachix), [
    'daemon run --socket mine',
    'daemon push --socket',
    'daemon push --socket --wait',
    'daemon stop --socket',
  ]);
  const uploaded = new Set((await cachix.uploads()).map(upload => upload.path));
  assert.deepEqual(uploaded, new Set([path('first'), path('second')]));
});

test('secrets are in the environment of the daemon, and nowhere else', async t => {
  const { cachix, host, nix, privateDirectory } = await bench(t, { caches: { mine: 'key-1' } });
  const options = { name: 'mine', token: 'token-1', signingKey: 'key-1' };
  const target = await startCachixPush(nix, options, host, privateDirectory);
  target.push(path('x'));
  assert.equal((await target.finish()).pushed, 1);
  const [run, ...others] = await cachix.calls();
  assert.equal(run?.env.CACHIX_AUTH_TOKEN, 'token-1');
  assert.equal(run?.env.CACHIX_SIGNING_KEY, 'key-1');
  assert.equal(run?.env.NIX_CONFIG, 'max-jobs = 1');
  assert.equal(run?.env.INPUT_SECRET, undefined);
  assert.ok(!JSON.stringify(run?.words).includes('-1'));
  assert.equal(others.length, 3);
  assert.ok(!/token-1|key-1/.test(JSON.stringify(others)));
});

test('two caches side by side have a daemon each', async t => {
  const { cachix, host, nix, privateDirectory } = await bench(t, {
    caches: { one: 'token-1', two: 'token-2' },
  });
  const [one, two] = await Promise.all(
    [
      { name: 'one', token: 'token-1' },
      { name: 'two', token: 'token-2', filter: /-only-one/ },
    ].map(options => startCachixPush(nix, options, host, privateDirectory)),
  );
  for (const target of [one, two]) {
    target?.push(path('both'));
    target?.push(path('only-one'));
  }
  assert.equal((await one?.finish())?.pushed, 2);
  assert.equal((await two?.finish())?.pushed, 1);
  const uploads = new Set((await cachix.uploads()).map(each => `${each.name} ${each.path}`));
  assert.deepEqual(
    uploads,
    new Set([`one ${path('both')}`, `one ${path('only-one')}`, `two ${path('both')}`]),
  );
});

test('a path that fails is one warning with its reason, and is counted', async t => {
  const { host, warnings, nix, privateDirectory } = await bench(t, {
    caches: { mine: 'token' },
    failing: { large: 'HTTP 413: too large' },
  });
  const options = { name: 'mine', token: 'token' };
  const target = await startCachixPush(nix, options, host, privateDirectory);
  target.push(path('small'));
  target.push(path('large'));
  const failed = [{ path: path('large'), reason: 'HTTP 413: too large' }];
  assert.deepEqual(await target.finish(), { name: 'mine', pushed: 1, failed });
  assert.deepEqual(warnings, [`${path('large')} was not pushed to mine: HTTP 413: too large`]);
});

test('a cachix before 1.9, which cannot wait for a push, drains its queue', async t => {
  const { cachix, host, warnings, nix, privateDirectory } = await bench(t, {
    caches: { mine: 'token' },
    failing: { bad: 'denied' },
    knowsWait: false,
  });
  const options = { name: 'mine', token: 'token' };
  const target = await startCachixPush(nix, options, host, privateDirectory);
  target.push(path('good'));
  target.push(path('bad'));
  const report = await target.finish();
  assert.deepEqual(report.failed, [{ path: path('bad'), reason: 'denied' }]);
  assert.equal(warnings.length, 1);
  assert.deepEqual(
    (await cachix.uploads()).map(upload => upload.path),
    [path('good')],
  );
});

test('a wrong token: one warning with what cachix says, every path counted', async t => {
  const { cachix, host, warnings, nix, privateDirectory } = await bench(t, {
    caches: { mine: 'token' },
  });
  const options = { name: 'mine', token: 'wrong' };
  const target = await startCachixPush(nix, options, host, privateDirectory);
  target.push(path('a'));
  target.push(path('b'));
  const { pushed, failed } = await target.finish();
  assert.equal(pushed, 0);
  assert.deepEqual(
    failed.map(each => each.path),
    [path('a'), path('b')],
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /pushed to mine: .*Binary cache mine doesn't exist/);
  assert.deepEqual(await commandsOf(cachix), ['daemon run --socket mine']);
});

test('a daemon that breaks down costs the paths and not the run', async t => {
  const { host, nix, privateDirectory } = await bench(t, {
    caches: { mine: 'token' },
    diesOnPush: true,
  });
  const options = { name: 'mine', token: 'token' };
  const target = await startCachixPush(nix, options, host, privateDirectory);
  target.push(path('a'));
  const { pushed, failed } = await target.finish();
  assert.equal(pushed, 0);
  assert.deepEqual(failed, [
    { path: path('a'), reason: 'cachix daemon broke off: cachix: out of memory' },
  ]);
});

test('without the program and without nixpkgs, the warning says what to do', async t => {
  const { host, warnings, nix, privateDirectory } = await bench(t, {});
  const without = { ...host, env: { PATH: '' } };
  const options = { name: 'mine', token: 'token' };
  const target = await startCachixPush(nix, options, without, privateDirectory);
  target.push(path('a'));
  assert.equal((await target.finish()).failed.length, 1);
  assert.match(warnings[0] ?? '', /Nothing more is pushed to mine: .*nix/);
});

test('an interrupt ends the daemon', async t => {
  const controller = new AbortController();
  const { cachix, host, warnings, nix, privateDirectory } = await bench(
    t,
    { caches: { mine: 'token' } },
    controller.signal,
  );
  const daemons: Promise<unknown>[] = [];
  const run: typeof host.run = command => {
    const running = host.run(command);
    if (command.args.includes('run')) daemons.push(running.catch(() => 'ended'));
    return running;
  };
  const options = { name: 'mine', token: 'token' };
  const target = await startCachixPush(nix, options, { ...host, run }, privateDirectory);
  target.push(path('a'));
  while ((await cachix.uploads()).length === 0) await wait(20);
  controller.abort();
  const { failed } = await target.finish();
  assert.deepEqual(failed, [{ path: path('a'), reason: 'the run was interrupted' }]);
  assert.deepEqual(await Promise.all(daemons), ['ended']);
  assert.deepEqual(warnings, []);
});

test('a daemon that never comes to its end is given up, and what it had is told', async t => {
  const { cachix, host, warnings, nix, privateDirectory } = await bench(t, {
    ...{ caches: { mine: 'token-1' }, neverEnds: true },
  });
  const options = { name: 'mine', token: 'token-1' };
  const target = await startCachixPush(nix, options, host, privateDirectory, 1000);
  target.push(path('first'));
  const reason = 'Waited 1 s for Cachix to upload to mine what was built, in vain.';
  const failed = [{ path: path('first'), reason }];
  assert.deepEqual(await target.finish(), { name: 'mine', pushed: 0, failed });
  assert.equal(warnings.length, 1);
  assert.equal((await commandsOf(cachix)).at(-1), 'daemon push --socket --wait');
});
