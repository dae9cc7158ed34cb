import { afterVerb } from '../commands/verbs.ts';
import { abortOnInterrupt } from '../host/interrupt.ts';
import { finishAction } from './finish.ts';
import { toolkit } from './toolkit.ts';

const { signal, dispose } = abortOnInterrupt(process);
process.exitCode = await finishAction({
  env: { ...process.env },
  currentDirectory: process.cwd(),
  clock: Date.now,
  signal,
  toolkit,
  after: afterVerb,
});
dispose();
