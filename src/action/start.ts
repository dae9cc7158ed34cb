import { availableParallelism } from 'node:os';
import { explain, traceOf } from '../host/failure.ts';
import { abortOnInterrupt, endOnFault } from '../host/interrupt.ts';
import { forgetPrivate } from '../host/process.ts';
import { useAllCores } from '../host/thread-pool.ts';
import { keepOwnRights } from '../host/umask.ts';
import type { PhaseWorld } from './action.ts';
import { runnerToolkit } from './toolkit.ts';

/** Runs a phase of the action on the real process, whose exit code it sets. */
export async function startPhase(phase: (world: PhaseWorld) => Promise<number>): Promise<void> {
  useAllCores(process.env, availableParallelism());
  keepOwnRights(process);
  const env = { ...process.env };
  forgetPrivate(process.env);
  const toolkit = runnerToolkit(env);
  endOnFault(process, error => {
    toolkit.debug(traceOf(error));
    toolkit.error(explain(error));
  });
  const { signal, dispose } = abortOnInterrupt(process);
  const currentDirectory = process.cwd();
  process.exitCode = await phase({ env, currentDirectory, clock: Date.now, signal, toolkit });
  dispose();
}
