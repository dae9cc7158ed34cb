import { availableParallelism } from 'node:os';
import { verbTable } from '../commands/verbs.ts';
import { abortOnInterrupt, endOnFault } from '../host/interrupt.ts';
import { useAllCores } from '../host/thread-pool.ts';
import { keepOwnRights } from '../host/umask.ts';
import { runCli, tellFailure } from './cli.ts';
import { openPrinter, processStreams } from './printer.ts';

/** Runs the command line on the real process; resolves with the exit code. */
export async function runCommandLine(): Promise<number> {
  useAllCores(process.env, availableParallelism());
  keepOwnRights(process);
  const streams = processStreams();
  const printer = openPrinter(streams);
  endOnFault(process, error => tellFailure(error, process.env, printer));
  const { signal, dispose } = abortOnInterrupt(process);
  try {
    return await runCli({
      arguments: process.argv.slice(2),
      env: process.env,
      currentDirectory: process.cwd(),
      clock: Date.now,
      signal,
      printer,
      image: streams.stdoutIsTerminal ? undefined : streams.stdout,
      terminal: streams.terminal,
      columns: streams.columns,
      verbs: verbTable,
    });
  } finally {
    dispose();
  }
}
