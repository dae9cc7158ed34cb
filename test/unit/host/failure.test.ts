import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bugs, explain, Failure, traceOf } from '../../../src/host/failure.ts';

test('faults are told where package.json says', () => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  assert.equal((JSON.parse(text) as { bugs: string }).bugs, bugs);
});

test('what is no Failure is a fault of the program, without its stack', () => {
  for (const thrown of [new RangeError('x'), undefined, 'text', null, { a: 1 }, Symbol('s')]) {
    const text = explain(thrown);
    assert.match(text, /^This is a fault of comfy-nix: .+\nNext: Report it at https:/);
    assert.doesNotMatch(text, /\n\s+at /);
  }
});

test('a full disk is no fault of the program', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
  });
  assert.match(explain(full), /^There is no space left on the disk/);
});

test('a trace has the causes', () => {
  const trace = traceOf(new Failure('a', { cause: new Error('b') }));
  assert.match(trace, /^Failure: a\n\s+at [\s\S]*\ncaused by: Error: b\n\s+at /);
});
