import { availableParallelism } from 'node:os';
import { verbTable } from '../commands/verbs.ts';
import { abortOnInterrupt } from '../host/interrupt.ts';
import { useAllCores } from '../host/thread-pool.ts';
import { runAction } from './action.ts';
import { toolkit } from './toolkit.ts';

useAllCores(process.env, availableParallelism());
const { signal, dispose } = abortOnInterrupt(process);
process.exitCode = await runAction({
  env: { ...process.env },
  currentDirectory: process.cwd(),
  clock: Date.now,
  signal,
  toolkit,
  verbs: verbTable,
});
dispose();
