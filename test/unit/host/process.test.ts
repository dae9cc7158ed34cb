import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { forgetPrivate, processRunner } from '../../../src/host/process.ts';

const limit = 'none';
const shell = (script: string) => ({ file: '/bin/sh', args: ['-c', script], limit }) as const;

/** What no program may see, each with a secret for a value. */
const secrets = Object.fromEntries(
  [
    'INPUT_REGISTRY-PASSWORD',
    'INPUT_IMAGE',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'ACTIONS_ID_TOKEN_REQUEST_URL',
    'ACTIONS_RUNTIME_TOKEN',
  ].map(name => [name, 'secret']),
);
/** What looks like it, and is seen. */
const open = { KEPT: 'yes', ACTIONS_RESULTS_URL: 'there', ACTIONS_ID: '1', MY_INPUT_X: 'mine' };

test('a program gets no inputs, no tokens of the runner and nothing to ask for some', async () => {
  const environmentOf = async (env: Record<string, string>, added = {}) => {
    const run = processRunner({ PATH: process.env.PATH, ...env });
    const { stdout } = await run({ file: 'env', args: ['-0'], env: added, limit });
    const seen = stdout.split('\0').map(line => line.split('=') as [string, string]);
    return Object.fromEntries(seen.filter(([name]) => name !== '' && name !== 'PATH'));
  };
  for (const name of Object.keys(secrets)) {
    assert.deepEqual(await environmentOf({ ...open, [name]: 'secret' }), open, name);
  }
  const size = { UV_THREADPOOL_SIZE: '64' };
  assert.deepEqual(await environmentOf({ ...open, ...size }), open, "it is this program's own");
  const added = { ADDED: 'too', KEPT: 'otherwise' };
  assert.deepEqual(await environmentOf({ ...open, ...secrets }, added), { ...open, ...added });
});

test('what programs of a library would inherit is forgotten, but for what it needs itself', () => {
  const env: Record<string, string | undefined> = { ...open, ...secrets, UV_THREADPOOL_SIZE: '64' };
  forgetPrivate(env);
  const kept = { ACTIONS_RUNTIME_TOKEN: 'secret', UV_THREADPOOL_SIZE: '64' };
  assert.deepEqual(env, { ...open, ...kept });
});

test('standard input is empty, or the text that was given', async () => {
  const run = processRunner(process.env);
  assert.equal((await run(shell('cat'))).stdout, '');
  assert.equal((await run({ ...shell('cat'), stdin: 'text' })).stdout, 'text');
  assert.equal((await run({ ...shell('exit 0'), stdin: 'x'.repeat(1 << 20) })).code, 0);
});

test('a failing program is a result; one that is missing is a Failure that names it', async () => {
  const run = processRunner(process.env);
  const { code, stderr } = await run(shell('echo no >&2; exit 3'));
  assert.deepEqual([code, stderr], [3, 'no\n']);
  await assert.rejects(run({ file: 'no-such-program', args: [], limit }), error => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /no-such-program was not found/);
    assert.match(error.details.next ?? '', /PATH/);
    return true;
  });
});

test('lines of standard error come one by one, the last one too', async () => {
  const lines: string[] = [];
  const onStderrLine = (line: string) => lines.push(line);
  await processRunner(process.env)({ ...shell('printf "a\\nb" >&2'), onStderrLine });
  assert.deepEqual(lines, ['a', 'b']);
});

test('an abort ends the program and rejects with its reason', async () => {
  const controller = new AbortController();
  const reason = new Failure('The run was interrupted.');
  const running = processRunner(process.env)({
    ...shell('echo ready >&2; exec sleep 60'),
    signal: controller.signal,
    onStderrLine: () => controller.abort(reason),
  });
  await assert.rejects(running, error => error === reason);
  await assert.rejects(
    processRunner(process.env)({ ...shell('exit 0'), signal: controller.signal }),
    error => error === reason,
  );
});

test('a program that does not end within its limit is ended, and the failure says what it was', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const limited = { what: 'a helper', ms: 20_000, next: 'Look at the helper.' };
  const stubborn = 'trap "" TERM; echo ready >&2; while :; do sleep 0.05; done';
  for (const script of [
    'echo ready >&2; exec sleep 60',
    'sleep 60 & echo ready >&2; wait',
    stubborn,
  ]) {
    const { promise: ready, resolve: onStderrLine } = Promise.withResolvers<unknown>();
    const running = processRunner(process.env)({ ...shell(script), limit: limited, onStderrLine });
    const ended = assert.rejects(running, (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.message, 'Waited 20 s for a helper, in vain.');
      assert.equal(error.details.next, 'Look at the helper.');
      return true;
    });
    await ready;
    mock.timers.tick(20_000);
    if (script === stubborn) mock.timers.tick(5_000);
    await ended;
  }
  mock.timers.reset();
});

test('what it writes is told as a sign of life', async () => {
  let signs = 0;
  const onOutput = () => {
    signs += 1;
  };
  await processRunner(process.env)({ ...shell('echo out; echo err >&2'), onOutput });
  assert.ok(signs >= 2);
});
