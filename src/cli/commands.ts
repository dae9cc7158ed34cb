import type { RunProcess } from '../host/process.ts';
import type { View } from './view.ts';

/** Runs programs, and tells each as it could be typed. Arguments hold no secrets. */
export const tellingCommands =
  (run: RunProcess, say: View['say']): RunProcess =>
  command => {
    say(['$', command.file, ...command.args].map(typed).join(' '), 'dim');
    return run(command);
  };

/** A word as a shell takes it. */
const typed = (word: string): string =>
  /^[\w./:=@%+,$#-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
