// Runs one reader in a worker thread, which is ended when a case does not end.

import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { FuzzedReader } from './reader.ts';
import type { Assignment, Report } from './worker.ts';

/** A reader and where it stands, for a worker imports it from there. */
export interface PlacedReader {
  file: URL;
  index: number;
  reader: FuzzedReader;
}

/** How a reader is fuzzed. */
export interface FuzzOptions {
  seed: number;
  runs: number;
  /** Milliseconds after which a case counts as one that never ends. */
  caseLimit: number;
  /** Milliseconds for finding a smaller case that fails too. */
  shrinkLimit: number;
}

/** The readers that a file exports. */
export async function readersOf(file: URL): Promise<PlacedReader[]> {
  const { readers } = (await import(file.href)) as { readers: readonly FuzzedReader[] };
  return readers.map((reader, index) => ({ file, index, reader }));
}

/** What is wrong with a reader, in words that name the case and how to replay it; undefined: nothing. */
export async function faultOf(
  { file, index, reader }: PlacedReader,
  { seed, runs, caseLimit, shrinkLimit }: FuzzOptions,
): Promise<string | undefined> {
  const started = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: Assignment = { file: file.href, index, seed, runs, started };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    // memory: what takes more has no limit of its own; the stack is that of the main thread
    resourceLimits: { maxOldGenerationSizeMb: 512, stackSizeMb: 1 },
  });
  /** The case that runs or ran last, with what replays it. */
  const lastCase = () => {
    const path = String(Math.max(0, Atomics.load(started, 0) - 1));
    const examples = [...(reader.broken ?? [])];
    const [value] = fc.sample(fc.tuple(reader.cases), {
      seed,
      path,
      numRuns: 1,
      examples: examples.map((each): [unknown] => [each]),
    });
    return `{ seed: ${seed}, path: "${path}" }\ncase: ${fc.stringify(value?.[0])}`;
  };

  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let thrown: string | undefined;
  let shrinkingSince = 0;
  worker.on('message', (report: Report) => {
    if (report.kind === 'done') return resolve(report.fault);
    thrown = report.error;
    shrinkingSince = performance.now();
  });
  worker.on('error', error => resolve(`it ended its worker: ${error}\n${lastCase()}`));
  worker.on('exit', code => resolve(`it ended its worker with code ${code}\n${lastCase()}`));

  let seen = 0;
  let seenSince = performance.now();
  const watch = setInterval(() => {
    const now = performance.now();
    if (thrown !== undefined) {
      if (now - shrinkingSince >= shrinkLimit) resolve(`${thrown}\n${lastCase()}`);
      return;
    }
    const current = Atomics.load(started, 0);
    if (current !== seen) {
      seen = current;
      seenSince = now;
    } else if (seen > 0 && now - seenSince >= caseLimit) {
      resolve(`a case did not end in ${caseLimit / 1000} s\n${lastCase()}`);
    }
  }, caseLimit / 20);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    worker.removeAllListeners();
    await worker.terminate();
  }
}
