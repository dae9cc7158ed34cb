import { availableParallelism } from 'node:os';
import { verbTable } from '../commands/verbs.ts';
import { abortOnInterrupt } from '../host/interrupt.ts';
import { useAllCores } from '../host/thread-pool.ts';
import { runCli } from './cli.ts';

/** Runs the command line on the real process; resolves with the exit code. */
export async function runCommandLine(): Promise<number> {
  useAllCores(process.env, availableParallelism());
  const { signal, dispose } = abortOnInterrupt(process);
  try {
    return await runCli({
      arguments: process.argv.slice(2),
      env: process.env,
      currentDirectory: process.cwd(),
      clock: Date.now,
      signal,
      stdout: process.stdout,
      stderr: process.stderr,
      terminal: canDraw(process.stderr, process.env.TERM) ? process.stderr : undefined,
      verbs: verbTable,
    });
  } finally {
    dispose();
  }
}

/** Some terminals of CI systems have no size, and nothing can be drawn on a dumb one. */
function canDraw(stream: NodeJS.WriteStream, kind: string | undefined): boolean {
  return stream.isTTY && stream.columns > 0 && kind !== 'dumb';
}
