import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startMoodyCache } from '../../tools/cache-stand-in.ts';
import { startTcpProxy } from '../../tools/faulty-proxy.ts';
import { startGithubCacheServer } from '../../tools/github-cache-server.ts';
import type { PhaseResult } from '../../tools/runner.ts';
import { copyExample } from '../build/hermetic-example.ts';
import { hostedRunner } from './hosted-runner.ts';

const warningsIn = (...phases: PhaseResult[]) =>
  phases.flatMap(({ log }) => log.split('\n')).filter(line => line.startsWith('::warning'));

/** A runner, and inputs that build the example's first layer. */
async function place(t: TestContext) {
  const runner = await hostedRunner(t);
  const example = await copyExample(t);
  const inputs = {
    flake: `path:${example.folder}#comfyui`,
    'override-inputs': `busybox=path:${example.busybox}`,
    layers: 'layer0-base',
    image: 'oci:image',
    push: 'false',
    'cuda-caches': 'false',
    'install-nix': 'none',
    'reclaim-disk': 'false',
  };
  return { runner, inputs };
}

test("GitHub's cache refuses, is full, is not there: a warning each, and the run goes on", async t => {
  const { runner, inputs } = await place(t);
  const server = await startGithubCacheServer();
  t.after(() => server.stop());
  const run = async (expected: RegExp) => {
    const { main, post } = await runner.job({ inputs, env: server.env });
    assert.equal(main.code, 0, main.log);
    assert.equal(post.code, 0, post.log);
    const warnings = warningsIn(main, post);
    assert.ok(warnings.length > 0, `${main.log}\n${post.log}`);
    for (const phase of [main, post]) assert.ok(warningsIn(phase).length <= 1, phase.log);
    for (const warning of warnings) assert.match(warning, expected);
    return main;
  };

  server.mood = 'rate-limit';
  await run(/GitHub's cache is not used any more in this run: .*429/);
  server.mood = 'full';
  await run(/GitHub's cache is not used any more in this run: .*quota/);
  await server.stop();
  await run(/GitHub's cache is not used any more in this run: .*ECONNREFUSED/);
});

test('substituters that are silent, refuse, or have no address; what the user has set', async t => {
  const { runner, inputs } = await place(t);
  await runner.renew();
  const hole = await startTcpProxy('127.0.0.1:1', () => ({ blackHole: true }));
  t.after(hole.stop);
  const closed = await startTcpProxy('127.0.0.1:1', () => ({ refuse: true }));
  await closed.stop();
  const kept = join(runner.workspace, 'kept');
  await mkdir(kept);
  await writeFile(join(kept, 'nix-cache-info'), 'StoreDir: /nix/store\n');
  await mkdir(join(runner.home, '.config/nix'), { recursive: true });
  const own = [
    `substituters = file://${kept} https://cuda-maintainers.cachix.org`,
    'max-silent-time = 4321',
    '',
  ].join('\n');
  await writeFile(join(runner.home, '.config/nix/nix.conf'), own);
  const job = {
    inputs: {
      ...inputs,
      'extra-substituters': [
        `http://${hole.address}`,
        `http://${closed.address}`,
        'http://cache.invalid',
      ].join('\n'),
    },
  };
  const main = await runner.main(job);
  assert.equal(main.code, 0, main.log);
  const [warning = '', ...others] = warningsIn(main);
  assert.deepEqual(others, []);
  for (const part of [
    `http://${hole.address} (no answer in 5 s)`,
    `http://${closed.address} (connect ECONNREFUSED`,
    'http://cache.invalid (',
    'https://cuda-maintainers.cachix.org (it is abandoned',
  ]) {
    assert.ok(warning.includes(part), warning);
  }
  assert.equal(hole.connections(), 1, 'asked once, by the probe, and never by Nix');
  const features = ['--extra-experimental-features', 'nix-command'];
  const { log } = await runner.step(['nix', ...features, 'show-config'], main, job);
  assert.match(log, new RegExp(`^substituters = file://${kept}$`, 'm'));
  assert.match(log, /^max-silent-time = 4321$/m);
  assert.equal(await readFile(join(runner.home, '.config/nix/nix.conf'), 'utf8'), own);
});

test('a cache that says what it is, and has no answer for paths, is one warning; Nix builds', async t => {
  const { runner, inputs } = await place(t);
  for (const mood of ['silent', 'busy', 'broken'] as const) {
    await runner.renew();
    const cache = await startMoodyCache(runner.temp);
    t.after(cache.stop);
    cache.mood = mood;
    const job = { inputs: { ...inputs, 'extra-substituters': cache.url } };
    const main = await runner.main(job);
    assert.equal(main.code, 0, main.log);
    const warnings = warningsIn(main);
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.ok(warnings[0]?.includes(cache.url), warnings[0]);
    assert.ok(cache.asked.length <= 2, `asked by Nix too: ${cache.asked}`);
  }
});
