import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { evaluateBeside } from '../../../src/commands/build/evaluation.ts';
import { type PreparedNix, prepareBeside } from '../../../src/commands/setup/prepare.ts';
import type { Host } from '../../../src/host/host.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { transport } from '../../../src/nix/install/download.ts';
import { startSlowCache } from '../../tools/cache-stand-in.ts';
import { startCachixApi } from '../../tools/cachix-stand-in/api.ts';
import { startCachixProxy } from '../../tools/cachix-stand-in/proxy.ts';
import {
  type Alter,
  type Evaluate,
  fetchedLine,
  fetchLine,
  standInNix,
  untilEnded,
} from '../../tools/nix-stand-in.ts';

const failed = (message: string) => ({ code: 1, stdout: '', stderr: message });

/** A run that sets Nix up and evaluates meanwhile; the two nix.conf say what its caches are. */
async function scene(
  t: TestContext,
  evaluate: (...given: [...Parameters<Evaluate>, string]) => ReturnType<Evaluate>,
  { conf = ['substituters ='], ...more }: Partial<Host> & { conf?: string[]; alter?: Alter } = {},
) {
  const nix = await standInNix(t, conf, (...given) => evaluate(...given, nix.described), more);
  const run = (inputs: RawInputs) => {
    const raw = { flake: '.', 'install-nix': 'none', 'cuda-caches': 'false', ...inputs } as const;
    const { folder } = nix;
    const places = { currentDirectory: folder, temporaryDirectory: folder };
    const settings = parseBuild(raw, { face: 'command-line', ...places });
    return prepareBeside(settings, nix.host, transport, async (begun, { host }) => ({
      evaluation: await evaluateBeside(begun, settings, host),
      prepared: await begun.ready,
    }));
  };
  const warnings = () => nix.emitted.flatMap(e => (e.type === 'warning' ? e.message : []));
  const notices = () => nix.emitted.flatMap(e => (e.type === 'notice' ? e.message : []));
  const settings = ({ nix: { env } }: PreparedNix) => nix.settings(env);
  return { nix, run, warnings, notices, settings };
}

test('evaluation begins with all caches while they are asked; those that fail are left out then', async t => {
  const [good, bad] = [await startSlowCache(t), await startSlowCache(t)];
  const order: string[] = [];
  let first: unknown;
  const { run, warnings, settings, nix } = await scene(t, async (told, _, stdout) => {
    first = told.substituters;
    order.push('evaluation begins');
    await Promise.all([good.asked, bad.asked]);
    good.answer('well');
    bad.answer(404);
    return { code: 0, stdout, stderr: '' };
  });
  const { prepared } = await run({ 'extra-substituters': `${good.url}\n${bad.url}` });
  assert.deepEqual(first, [good.url, bad.url]);
  assert.deepEqual((await settings(prepared)).substituters, [good.url]);
  assert.deepEqual(warnings(), [
    `Caches that cannot be used are left out: ${bad.url} (it answers 404).`,
  ]);
  assert.equal(nix.running(), 0);
});

test('Nix is asked what it was asked before: version and settings at once, then beside evaluation', async t => {
  const { run, nix } = await scene(t, async (_, __, stdout) => ({ code: 0, stdout, stderr: '' }));
  await run({});
  assert.deepEqual(nix.asked.slice(0, 2).sort(), ['--version', 'show-config']);
  assert.deepEqual(nix.asked.slice(2).sort(), ['config show', 'eval']);
});

test('caches of nix.conf are asked beside evaluation as well, and stated without those that fail', async t => {
  const cache = await startSlowCache(t);
  const evaluate: Evaluate = async told => {
    assert.deepEqual(told.substituters, [cache.url]);
    await cache.asked;
    cache.answer(500);
    return { code: 0, stdout: '', stderr: '' };
  };
  const { run, settings } = await scene(
    t,
    async (told, command, stdout) => ({ ...(await evaluate(told, command)), stdout }),
    { conf: [`substituters = ${cache.url}`] },
  );
  const { prepared } = await run({});
  assert.deepEqual((await settings(prepared)).substituters, []);
});

test("evaluation's failure is told, and ends the questions to caches", async t => {
  const cache = await startSlowCache(t);
  const { run, nix, warnings } = await scene(t, async () => {
    await cache.asked;
    return failed('error: out of cheese');
  });
  await assert.rejects(
    run({ 'extra-substituters': cache.url }),
    /^Failure: \. cannot be evaluated/,
  );
  await cache.left;
  assert.deepEqual([warnings(), nix.running()], [[], 0]);
});

test("the set-up's failure ends evaluation, and is told", async t => {
  // whatever it is told, it has another number of cores
  const alter: Alter = ({ args }, said) =>
    args.includes('show')
      ? { ...said, stdout: said.stdout.replace('"cores":{"value":2', '"cores":{"value":7') }
      : said;
  let began = false;
  const { run, nix } = await scene(
    t,
    async (_, command) => {
      began = true;
      return untilEnded(command);
    },
    { alter },
  );
  await assert.rejects(run({ cores: '2' }), /does not do what the input asks for \(`cores`\)/);
  assert.deepEqual([began, nix.running()], [true, 0]);
});

test('what the input nix-conf cannot say is told before anything is evaluated', async t => {
  const alter: Alter = ({ env }, said) =>
    env?.NIX_USER_CONF_FILES?.includes('/nix-conf/')
      ? failed("error: setting 'cores' has an invalid value")
      : said;
  const { run, nix } = await scene(t, async () => failed('never'), { alter });
  await assert.rejects(run({ 'nix-conf': 'cores = many' }), /Nix refuses what the input nix-conf/);
  assert.ok(!nix.asked.includes('eval'));
});

test('a run that is cancelled ends evaluation and questions', async t => {
  const cache = await startSlowCache(t);
  const interrupt = new AbortController();
  const { run, nix } = await scene(
    t,
    async (_, command) => {
      await cache.asked;
      interrupt.abort(new Error('Ctrl-C'));
      return untilEnded(command);
    },
    { signal: interrupt.signal },
  );
  await assert.rejects(run({ 'extra-substituters': cache.url }), /Ctrl-C/);
  await cache.left;
  assert.equal(nix.running(), 0);
});

test('a cache that refuses is asked again beside evaluation, with the login of the netrc file', async t => {
  const [closed, open] = [await startSlowCache(t), await startSlowCache(t, 'Basic bWU6c2VjcmV0')];
  closed.answer(401);
  open.answer('well');
  const { run, settings, nix } = await scene(t, async (_, __, stdout) => {
    return { code: 0, stdout, stderr: '' };
  });
  const netrc = join(nix.folder, 'netrc');
  await writeFile(netrc, 'default login me password secret\n');
  const { prepared } = await run({
    'extra-substituters': `${closed.url}\n${open.url}`,
    'nix-conf': `netrc-file = ${netrc}`,
  });
  assert.deepEqual((await settings(prepared)).substituters, [open.url]);
  assert.deepEqual(closed.logins, [undefined, 'Basic bWU6c2VjcmV0']);
});

test('tokens, keys and logins are there when evaluation begins', async t => {
  const cache = await startSlowCache(t);
  const key = 'mine-1:AAAA';
  const api = await startCachixApi({
    mine: { publicSigningKeys: [key], uri: cache.url, token: 'hunter2' },
  });
  t.after(api.stop);
  const proxy = await startCachixProxy(api.api);
  t.after(proxy.stop);
  let netrc = '';
  const { run, settings } = await scene(
    t,
    async (told, _, stdout) => {
      netrc = await readFile(String(told['netrc-file']), 'utf8');
      assert.deepEqual(told.substituters, [cache.url]);
      assert.deepEqual(told['trusted-public-keys'], [key]);
      assert.deepEqual(told['access-tokens'], { 'git.example': 'secret', 'other.example': 'x' });
      cache.answer('well');
      return { code: 0, stdout, stderr: '' };
    },
    // NIX_CONFIG would win over files
    { env: { ...proxy.env, NIX_CONFIG: 'access-tokens = other.example=x' } },
  );
  const { prepared } = await run({
    'cachix-name': 'mine',
    'cachix-auth-token': 'hunter2',
    'access-tokens': 'git.example=secret',
  });
  assert.match(netrc, /^machine 127\.0\.0\.1 password hunter2$/m);
  const { substituters } = await settings(prepared);
  assert.deepEqual(new Set(substituters as string[]), new Set([cache.url]));
});

test('evaluation that waits for a cache which lets it wait begins again without that', async t => {
  const [cache, other] = [await startSlowCache(t), await startSlowCache(t)];
  const seen: unknown[] = [];
  const { run, notices, nix } = await scene(t, async (told, command, stdout) => {
    seen.push(told.substituters);
    if (seen.length > 1) return { code: 0, stdout, stderr: '' };
    command.onStderrLine?.(fetchLine(`${cache.url}/nix-cache-info`));
    other.answer('well');
    cache.answer(429);
    return untilEnded(command);
  });
  await run({ 'extra-substituters': `${cache.url}\n${other.url}` });
  assert.deepEqual(seen, [[cache.url, other.url], [other.url]]);
  assert.match(notices().join('\n'), new RegExp(`come to ${cache.url}, which cannot be used`));
  assert.equal(nix.running(), 0);
});

test('so it does when it comes to such a cache later, and no other end is taken for one', async t => {
  const cache = await startSlowCache(t);
  let times = 0;
  const { run, nix } = await scene(t, async (_, command, stdout) => {
    times += 1;
    if (times > 1) return { code: 0, stdout, stderr: '' };
    cache.answer(429);
    await untilReady(nix.asked);
    command.onStderrLine?.(fetchLine('https://elsewhere.example/input.tar.gz'));
    assert.equal(command.signal?.aborted, false);
    command.onStderrLine?.(fetchedLine);
    command.onStderrLine?.(fetchLine(`${cache.url}/nix-cache-info`));
    return untilEnded(command);
  });
  await run({ 'extra-substituters': cache.url });
  assert.equal(times, 2);
});

/** Until the set-up has asked its last question, and what follows from it is done. */
async function untilReady(asked: readonly string[]): Promise<void> {
  while (!asked.includes('config show')) await new Promise(setImmediate);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

test('evaluation that fails after it took from a cache which is left out begins again', async t => {
  let times = 0;
  const evaluated = async (answer: number | 'well') => {
    times = 0;
    const cache = await startSlowCache(t);
    const { run } = await scene(t, async (_, command, stdout) => {
      times += 1;
      if (times > 1) return { code: 0, stdout, stderr: '' };
      command.onStderrLine?.(fetchLine(`${cache.url}/nix-cache-info`));
      command.onStderrLine?.(fetchedLine);
      cache.answer(answer);
      return failed('error: some substitutes failed');
    });
    await run({ 'extra-substituters': cache.url });
  };
  await evaluated(503);
  assert.equal(times, 2);
  await assert.rejects(evaluated('well'), /cannot be evaluated/);
  assert.equal(times, 1);
});
