import { availableParallelism } from 'node:os';
import { verbTable } from '../commands/verbs.ts';
import { abortOnInterrupt } from '../host/interrupt.ts';
import { forgetInputs } from '../host/process.ts';
import { useAllCores } from '../host/thread-pool.ts';
import { runAction } from './action.ts';
import { toolkit } from './toolkit.ts';

useAllCores(process.env, availableParallelism());
const env = { ...process.env };
forgetInputs(process.env);
const { signal, dispose } = abortOnInterrupt(process);
process.exitCode = await runAction({
  env,
  currentDirectory: process.cwd(),
  clock: Date.now,
  signal,
  toolkit,
  verbs: verbTable,
});
dispose();
