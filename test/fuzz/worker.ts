// The worker thread that fuzzes one reader: it reports what was thrown first, and the smallest case.

import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { Failure } from '../../src/host/failure.ts';
import type { FuzzedReader } from './reader.ts';

/** What the worker is to do. */
export interface Assignment {
  file: string;
  index: number;
  seed: number;
  runs: number;
  /** One number, shared: how many cases have begun, not counting those that make a failing one smaller. */
  started: Int32Array;
}

/** What the worker tells. */
export type Report = { kind: 'thrown'; error: string } | { kind: 'done'; fault?: string };

const { file, index, seed, runs, started } = workerData as Assignment;
const report = (message: Report) => parentPort?.postMessage(message);
const { readers } = (await import(file)) as { readers: readonly FuzzedReader[] };
const { cases, read, broken = [] } = readers[index] as FuzzedReader;

let failed = false;
const property = fc.asyncProperty(cases, async input => {
  if (!failed) Atomics.add(started, 0, 1);
  try {
    const value = read(input);
    // most readers answer at once, and ten thousand turns of the event loop are not free
    if (value instanceof Promise) await value;
  } catch (error) {
    if (error instanceof Failure) return;
    if (!failed) report({ kind: 'thrown', error: text(error) });
    failed = true;
    throw error;
  }
});
const check = fc.check(property, {
  seed,
  numRuns: Math.max(runs, broken.length),
  examples: broken.map((each): [unknown] => [each]),
});
// not awaited here: a case without an answer ends the thread, and the harness tells which
void check.then(({ failed, counterexample, counterexamplePath, errorInstance, numShrinks }) => {
  if (!failed) return report({ kind: 'done' });
  const fault = [
    text(errorInstance),
    `{ seed: ${seed}, path: "${counterexamplePath}" }, made smaller ${numShrinks} times`,
    `case: ${fc.stringify(counterexample?.[0])}`,
  ].join('\n');
  report({ kind: 'done', fault });
});

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : `thrown: ${fc.stringify(error)}`;
}
