import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { abortOnInterrupt, exitCodeOf } from '../../../src/host/interrupt.ts';

test('the first signal aborts, the second ends the process, none counts after the run', () => {
  const exits: number[] = [];
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
  const { signal, dispose } = abortOnInterrupt(process);
  process.emit('SIGINT');
  assert.deepEqual([signal.aborted, exits], [true, []]);
  process.emit('SIGTERM');
  assert.deepEqual(exits, [130]);
  dispose();
  assert.equal(process.listenerCount('SIGINT') + process.listenerCount('SIGTERM'), 0);
});

test('exit codes: what a failure carries, 1 for a defect, 130 after an interrupt', () => {
  const running = new AbortController().signal;
  assert.equal(exitCodeOf(new Failure('x', { exitCode: 2 }), running), 2);
  assert.equal(exitCodeOf(new Failure('x'), running), 1);
  assert.equal(exitCodeOf(new TypeError('x'), running), 1);
  assert.equal(exitCodeOf(new Failure('x', { exitCode: 2 }), AbortSignal.abort()), 130);
});
