import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import type { PhaseOptions } from '../../tools/runner.ts';
import { copyExample, type Example } from '../build/hermetic-example.ts';
import { hostedRunner, type JobResult } from './hosted-runner.ts';
import { assertPrivate, watchProcesses } from './secrets.ts';
import { buildInputs, everyCache, hiddenTexts, startServices } from './services.ts';

const elsewhere = { full_name: 'somebody/comfy' };

/** A job of somebody else's code, with all services and all secrets; what is true of each is checked. */
async function foreignJob(
  t: TestContext,
  event: NonNullable<PhaseOptions['event']>,
  inputsOf: (example: Example) => { command: string; steps: string[][] },
): Promise<JobResult> {
  const runner = await hostedRunner(t);
  const all = await startServices(t);
  const { nginx, cachix, api, github, env, secrets } = all;
  const example = await copyExample(t);
  const { command, steps } = inputsOf(example);
  const inputs = { ...buildInputs(example, all, 'comfy/fork'), ...everyCache(all), command };
  const watch = watchProcesses();
  t.after(watch.stop);
  const result = await runner.job({ inputs, env, token: secrets.github, event, steps });
  const { main, post } = result;
  for (const phase of [main, ...result.steps, post]) assert.equal(phase.code, 0, phase.log);
  assertPrivate(await watch.stop(), hiddenTexts(all), runner.mark);
  assert.deepEqual(await cachix.calls(), []);
  assert.deepEqual(await readdir(nginx.folder), []);
  assert.deepEqual(github.keys(), []);
  assert.ok(!github.calls.includes('CreateCacheEntry'), github.calls.join());
  const shown = api.requests.map(({ authorization }) => authorization);
  assert.deepEqual(new Set(shown), new Set([undefined]), 'Cachix is asked without a token');
  return result;
}

test('a build of code from a fork uses no token, pushes nothing, saves nothing, and says so', async t => {
  const payload = { pull_request: { head: { repo: elsewhere } } };
  const event = { name: 'pull_request_target', payload };
  const { main } = await foreignJob(t, event, () => ({ command: 'build', steps: [] }));
  assert.match(main.summary, /Nothing is pushed and no secret is used.*somebody\/comfy/);
  assert.equal(main.outputs.digest, undefined);
});

test('a set-up for code from a fork, and what a later step builds with it', async t => {
  const payload = { workflow_run: { event: 'push', head_repository: elsewhere } };
  const event = { name: 'workflow_run', payload };
  const { main } = await foreignJob(t, event, ({ folder, busybox }) => ({
    command: 'setup',
    steps: [
      [
        ...['nix', 'build', '--no-link', `path:${folder}#layer0-base`],
        ...['--override-input', 'busybox', `path:${busybox}`],
      ],
    ],
  }));
  assert.match(main.summary, /no token or remote builder is used.*somebody\/comfy/);
});
