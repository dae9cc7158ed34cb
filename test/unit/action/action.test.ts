import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { runAction } from '../../../src/action/action.ts';
import { runState } from '../../../src/action/private-folder.ts';
import { guardedToolkit } from '../../../src/action/toolkit.ts';
import { VerbFailure } from '../../../src/commands/outcome.ts';
import type { Verb } from '../../../src/commands/verbs.ts';
import { Failure } from '../../../src/host/failure.ts';
import { inputs } from '../../../src/inputs/table.ts';
import { failedOutcome, sampleRecord } from '../record/sample.ts';
import { recordingToolkit } from './toolkit.ts';

let temp: string;
beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), 'action-'));
});
afterEach(() => rm(temp, { recursive: true, force: true }));

async function run(verb: Verb, env: Record<string, string> = {}, signal?: AbortSignal) {
  const toolkit = recordingToolkit();
  const code = await runAction({
    env: { RUNNER_TEMP: temp, GITHUB_STEP_SUMMARY: 'set', ...env },
    currentDirectory: temp,
    clock: () => 0,
    signal: signal ?? new AbortController().signal,
    toolkit: guardedToolkit(toolkit, env.RUNNER_DEBUG === '1'),
    verbs: {
      build: verb,
      setup: async () => ({ outputs: {} }),
      prefetch: verb,
      audit: verb,
      report: async () => ({ outputs: {} }),
      copy: async () => ({ outputs: {} }),
      plan: verb,
      why: verb,
    },
  });
  return { code, ...toolkit };
}

test('secrets are masked before anything else is done, line by line', async () => {
  const { calls } = await run(
    async (_raw, _context, host) => {
      host.emit({ type: 'notice', message: 'first line', at: 0 });
      return { outputs: {} };
    },
    { 'INPUT_REGISTRY-PASSWORD': 'p1\np2', 'INPUT_GITHUB-TOKEN': 'token' },
  );
  assert.deepEqual(calls, [
    'secret p1\np2',
    'secret p1',
    'secret p2',
    'secret token',
    `state ${runState}`,
    'info first line',
  ]);
});

test('a verb gets the inputs, and a folder that only this user can enter', async () => {
  const { code, state, outputs } = await run(
    async (raw, context) => {
      assert.equal(raw.image, 'ghcr.io/o/x');
      assert.equal(context.face, 'action');
      assert.equal((await stat(context.temporaryDirectory)).mode & 0o777, 0o700);
      return { outputs: { name: context.temporaryDirectory } };
    },
    { INPUT_IMAGE: ' ghcr.io/o/x ' },
  );
  assert.equal(code, 0);
  assert.match(outputs.name ?? '', new RegExp(`/${state[runState]}$`));
});

test('outputs, exports, table and summary go to the runner', async () => {
  const { code, outputs, calls } = await run(async () => ({
    record: sampleRecord(),
    outputs: { name: 'n', tags: ['a', 'b'], layers: [{ name: 'l' }], digest: undefined },
    exports: { path: ['/nix/bin'], env: { NIX_SSL_CERT_FILE: '/certs' } },
  }));
  assert.equal(code, 0);
  assert.deepEqual(outputs, { name: 'n', tags: 'a\nb', layers: '[{"name":"l"}]', digest: '' });
  assert.deepEqual(
    calls.map(call => call.split('\n')[0]?.slice(0, 30)),
    [
      `state ${runState}`,
      'path /nix/bin',
      'env NIX_SSL_CERT_FILE=/certs',
      'info .#comfyui in 1 min 15 s',
      'summary ## .\\#comfyui in 1 min 15 s'.slice(0, 30),
    ],
  );
});

test('a failure is one annotation and a summary, with the exit code it carries', async () => {
  const { code, calls } = await run(async () => {
    throw new Failure('It broke.', { layer: 'layer3', next: 'Do this.' });
  });
  assert.equal(code, 1);
  assert.deepEqual(calls.slice(1), [
    'error layer3: It broke.\nNext: Do this.',
    'summary ## The run failed\n\n```text\nlayer3: It broke.\nNext: Do this.\n```\n',
  ]);
});

test('a failure with a record still shows what was done', async () => {
  const record = sampleRecord({ outcome: 'failure', failure: 'It broke.' });
  const { calls } = await run(async () => {
    throw new VerbFailure('It broke.', failedOutcome(record));
  });
  assert.match(calls[1] ?? '', /^info \.#comfyui failed after 1 min 15 s\n.*\n\nlayer +origin/);
  assert.equal(calls[2], 'error It broke.');
  assert.match(calls[3] ?? '', /^summary ## .* failed after/);
});

test('an unknown command is wrong usage, and makes no folder', async () => {
  const { code, calls } = await run(() => assert.fail('ran'), { INPUT_COMMAND: 'fly' });
  assert.equal(code, 2);
  assert.match(
    calls[0] ?? '',
    /^error Input command: expected build, plan, why, setup, prefetch, audit, report, copy; found "fly"/,
  );
});

test('an interrupted run ends with 130, whatever it broke', async () => {
  const controller = new AbortController();
  const { code } = await run(
    async (_raw, _context, host) => {
      controller.abort(new Failure('The run was interrupted.', { exitCode: 130 }));
      host.signal?.throwIfAborted();
      return { outputs: {} };
    },
    {},
    controller.signal,
  );
  assert.equal(code, 130);
});

test('a defect is told as one, with where to report it; its stack is for debug logs', async () => {
  const verb = async () => {
    throw new TypeError('x is undefined');
  };
  const { code, calls } = await run(verb);
  assert.equal(code, 1);
  const told = calls.join('\n');
  assert.match(
    told,
    /^error This is a fault of comfy-nix: TypeError: x is undefined\nNext: Report it/m,
  );
  assert.doesNotMatch(told, /\n\s+at /);
  const debugged = await run(verb, { RUNNER_DEBUG: '1' });
  assert.match(debugged.calls.join('\n'), /^debug TypeError: x is undefined\n\s+at /m);
});

test('what has no effect is a warning each, before the verb, and goes no further', async () => {
  const verb: Verb = async raw => {
    assert.equal(raw.reuse, '');
    assert.deepEqual(Object.keys(raw).sort(), inputs.map(({ name }) => name).sort());
    return { outputs: {} };
  };
  const env = { 'INPUT_NO-CACHE': 'true', INPUT_CONTEXT: '', INPUT_WHEELS: 'w.toml' };
  const { code, calls } = await run(verb, env);
  assert.equal(code, 0);
  assert.deepEqual(calls, [
    'warning The input wheels has no effect. The verb build does not read it; prefetch does.',
    'warning The input no-cache has no effect. `reuse: false` builds everything again.',
    `state ${runState}`,
  ]);
});

test('lists that are empty are JSON where the output is', async () => {
  const { outputs } = await run(async () => ({ outputs: { findings: [], layers: [], tags: [] } }));
  assert.deepEqual(outputs, { findings: '[]', layers: '[]', tags: '' });
});

test('an unknown event is one warning that names the input, and its code gets no secret', async () => {
  const env = { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'deployment', GITHUB_REPOSITORY: 'o/n' };
  const verb: Verb = async (_raw, context) => {
    assert.ok(context.github?.fork !== undefined);
    return { outputs: {} };
  };
  const { calls } = await run(verb, env);
  const warnings = calls.filter(call => call.startsWith('warning'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /does not know the event "deployment".*trust-event/);
  const trusting: Verb = async (_raw, context) => {
    assert.equal(context.github?.fork, undefined);
    return { outputs: {} };
  };
  const trusted = await run(trusting, { ...env, 'INPUT_TRUST-EVENT': 'deployment' });
  assert.deepEqual(trusted.calls, [`state ${runState}`]);
});
