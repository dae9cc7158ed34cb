import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { forgetInputs, processRunner } from '../../../src/host/process.ts';

const shell = (script: string) => ({ file: '/bin/sh', args: ['-c', script] });

test('a program gets no inputs and no tokens of the runner', async () => {
  const run = processRunner({
    PATH: process.env.PATH,
    KEPT: 'yes',
    'INPUT_REGISTRY-PASSWORD': 'secret',
    ACTIONS_RUNTIME_TOKEN: 'secret',
  });
  const { stdout } = await run({ file: 'env', args: [], env: { ADDED: 'too' } });
  assert.match(stdout, /^KEPT=yes$/m);
  assert.match(stdout, /^ADDED=too$/m);
  assert.doesNotMatch(stdout, /secret/);
});

test('inputs are forgotten, so that programs which a library starts do not inherit them', () => {
  const env = { 'INPUT_REGISTRY-PASSWORD': 'secret', KEPT: 'yes' };
  forgetInputs(env);
  assert.deepEqual(env, { KEPT: 'yes' });
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
  await assert.rejects(run({ file: 'no-such-program', args: [] }), error => {
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
