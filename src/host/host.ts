import type { Writable } from 'node:stream';
import type { Emit } from './events.ts';
import type { RunProcess } from './process.ts';

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** What a worker may use of the machine; passed in, so that a test can replace each part. */
export interface Host {
  /** The environment as it was at start. Workers read it from here, never from `process.env`. */
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  run: RunProcess;
  emit: Emit;
  /** Where an image named `-` is written: standard output. Absent where that is a log, or a terminal. */
  stdout?: Writable | undefined;
  /** Aborted by Ctrl-C, by a cancelled job, or by a failure elsewhere in the run. */
  signal?: AbortSignal | undefined;
}
