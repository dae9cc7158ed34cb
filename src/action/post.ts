import { availableParallelism } from 'node:os';
import { afterVerb } from '../commands/verbs.ts';
import { abortOnInterrupt } from '../host/interrupt.ts';
import { forgetInputs } from '../host/process.ts';
import { useAllCores } from '../host/thread-pool.ts';
import { finishAction } from './finish.ts';
import { toolkit } from './toolkit.ts';

useAllCores(process.env, availableParallelism());
const env = { ...process.env };
forgetInputs(process.env);
const { signal, dispose } = abortOnInterrupt(process);
process.exitCode = await finishAction({
  env,
  currentDirectory: process.cwd(),
  clock: Date.now,
  signal,
  toolkit,
  after: afterVerb,
});
dispose();
