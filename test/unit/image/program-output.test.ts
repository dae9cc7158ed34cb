import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
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
  const wrong = program(t, 'echo one; echo why >&2; exit 3');
  await assert.rejects(collect(programOutput(wrong, env)), /ended with 3/);
});
