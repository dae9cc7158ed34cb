import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { programOutput } from '../../../src/image/sources/program-output.ts';
import { collect, temporaryFolder } from './fixtures.ts';

function program(test: TestContext, script: string): string {
  const file = `${temporaryFolder(test)}/stream`;
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

const env = { PATH: process.env.PATH };

test('a program that writes nothing any more is given up, whoever else holds its output', async t => {
  const scripts = {
    alone: 'echo begun; exec sleep 20',
    'deaf to signals': "trap '' TERM; echo begun; while :; do sleep 20; done",
    'with a child that holds its output': 'echo begun; sleep 20 & wait',
  };
  for (const [name, script] of Object.entries(scripts)) {
    const chunks: string[] = [];
    const reading = async () => {
      for await (const chunk of programOutput(program(t, script), env, undefined, 200))
        chunks.push(chunk.toString());
    };
    await assert.rejects(reading(), (error: Failure) => {
      assert.ok(error instanceof Failure, name);
      assert.match(error.message, /wrote nothing for 0\.2 s/, name);
      return true;
    });
    assert.ok(chunks.join('').length <= 'begun\n'.length, name);
  }
});

test('what a program writes comes whole, and its end is told', async t => {
  const right = program(t, 'echo one; echo two');
  assert.equal((await collect(programOutput(right, env))).toString(), 'one\ntwo\n');
  const wrong = program(t, 'echo one; echo why >&2; echo more >&2; exit 3');
  await assert.rejects(collect(programOutput(wrong, env)), (error: Failure) => {
    assert.match(error.message, /ended with 3/);
    assert.deepEqual(error.details.evidence, ['why', 'more']);
    return true;
  });
  await assert.rejects(collect(programOutput('/no/such/program', env)), /could not be started: /);
});

test('of what it says to people the end is kept, and none of it as a command', async t => {
  const lines = 'i=0; while [ $i -lt 2000 ]; do echo "line $i of many" >&2; i=$((i+1)); done';
  const wrong = program(t, `${lines}; printf '\\033[31mred\\n' >&2; kill -9 $$`);
  await assert.rejects(collect(programOutput(wrong, env)), (error: Failure) => {
    const { evidence = [] } = error.details;
    assert.match(error.message, /ended with a signal/);
    assert.equal(evidence.length, 30);
    assert.equal(evidence.at(-2), 'line 1999 of many');
    assert.doesNotMatch(evidence.at(-1) ?? '', /\p{Cc}/u);
    return true;
  });
});

test('a program that writes an image sees little of the environment', async t => {
  const file = program(t, 'exec env');
  const few = { ...env, HOME: '/h', TMPDIR: '/t', SOURCE_DATE_EPOCH: '7' };
  const all = { ...few, ACTIONS_RUNTIME_TOKEN: 'secret', GITHUB_TOKEN: 'secret', LANG: 'de' };
  const seen = (await collect(programOutput(file, all))).toString().trim().split('\n');
  const own = Object.entries(few).map(([name, value]) => `${name}=${value}`);
  assert.deepEqual(seen.filter(line => !/^(PWD|SHLVL|_)=/.test(line)).sort(), own.sort());
});

test('a reader that stops early ends the program, and so does an interrupt', async t => {
  const folder = temporaryFolder(t);
  const endless = `trap 'echo ended >${folder}/said; exit' TERM; while :; do echo more; done`;
  for await (const _ of programOutput(program(t, endless), env)) break;
  assert.equal(readFileSync(`${folder}/said`, 'utf8'), 'ended\n');
  const interrupt = new AbortController();
  const reason = new Failure('The run was interrupted.');
  const reading = async () => {
    for await (const _ of programOutput(program(t, endless), env, interrupt.signal)) {
      interrupt.abort(reason);
    }
  };
  await assert.rejects(reading(), error => error === reason);
  const late = programOutput(program(t, `touch ${folder}/begun`), env, interrupt.signal);
  await assert.rejects(collect(late), error => error === reason);
  assert.deepEqual(readdirSync(folder), ['said'], 'it was not begun');
});
