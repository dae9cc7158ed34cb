import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Failure } from './failure.ts';
import { patience } from './limits.ts';
import { type Limit, type Waiter, within } from './wait.ts';

/** A program to run, without a shell. */
export interface Command {
  file: string;
  args: readonly string[];
  cwd?: string;
  /** Added to (and winning over) the runner's own environment; undefined takes one away from it. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Written to standard input, which is closed after it; without it standard input is /dev/null. */
  stdin?: string;
  /** Ends the program (SIGTERM, after 5 s SIGKILL) and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * How long it may take before it is ended as by `signal`, and what is being waited for, which is said
   * each half a minute. `none`: it builds, or something else watches over it.
   */
  limit: Limit | 'none';
  /** Told when the program has written something, on standard output or standard error. */
  onOutput?: () => void;
  /** Receives each line of standard error as it comes; `stderr` of the result is then empty. */
  onStderrLine?: (line: string) => void;
}

/** How a program ended. `code` is null when a signal ended it. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program to its end. A non-zero exit is a result, not an error.
 * Rejects with a {@link Failure} when the program cannot be started.
 */
export type RunProcess = (command: Command) => Promise<Finished>;

/**
 * Variables that no child process may see: inputs hold secrets, the token writes caches, and the size
 * of the thread pool is this program's own.
 */
const isPrivate = (name: string) =>
  name.startsWith('INPUT_') ||
  name.startsWith('ACTIONS_ID_TOKEN_REQUEST_') ||
  ['ACTIONS_RUNTIME_TOKEN', 'UV_THREADPOOL_SIZE'].includes(name);

/** The environment that child processes get: this one without inputs and runner tokens. */
export function childEnvironment(env: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !isPrivate(entry[0]),
    ),
  );
}

/**
 * Takes the inputs, and what asks for identity tokens, out of this very process's environment, which
 * programs that a library starts inherit (`tar`, by `@actions/cache`). The runner's token stays: that
 * library reads it there.
 */
export function forgetPrivate(env: Record<string, string | undefined>): void {
  const isNeeded = (name: string) =>
    name === 'ACTIONS_RUNTIME_TOKEN' || name === 'UV_THREADPOOL_SIZE';
  for (const name of Object.keys(env)) if (isPrivate(name) && !isNeeded(name)) delete env[name];
}

/**
 * The real process runner; every child gets `childEnvironment(env)` and its own additions. `waiter`
 * hears what is being waited for.
 */
export function processRunner(
  env: Readonly<Record<string, string | undefined>>,
  { emit, clock }: Pick<Waiter, 'emit' | 'clock'> = {},
): RunProcess {
  const inherited = childEnvironment(env);
  return async command => {
    const { limit, signal } = command;
    if (limit === 'none') return runToEnd(command, inherited);
    const waiter = { ...(emit && { emit }), ...(clock && { clock }), ...(signal && { signal }) };
    return within(limit, waiter, ending => runToEnd({ ...command, signal: ending }, inherited));
  };
}

function runToEnd(command: Command, inherited: Record<string, string>): Promise<Finished> {
  return new Promise((resolve, reject) => {
    command.signal?.throwIfAborted();
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: { ...inherited, ...command.env },
      stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const release = endedBy(command.signal, child, reject);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    const { onOutput } = command;
    if (onOutput) for (const stream of [child.stdout, child.stderr]) stream?.on('data', onOutput);
    let linesRead: Promise<void> = Promise.resolve();
    if (command.onStderrLine && child.stderr) {
      const lines = createInterface({ input: child.stderr, crlfDelay: Number.POSITIVE_INFINITY });
      lines.on('line', command.onStderrLine);
      linesRead = new Promise(done => lines.once('close', () => done()));
    } else child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    // a program that ends before it has read its input is not our failure
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(command.stdin);
    child.on('error', error => {
      if (child.pid !== undefined) return; // it runs, and could not be told to end
      release();
      reject(cannotStart(command, error));
    });
    child.once('close', code => {
      release();
      if (command.signal?.aborted) return reject(command.signal.reason);
      void linesRead.then(() =>
        resolve({
          code,
          stdout: Buffer.concat(stdout).toString(),
          stderr: Buffer.concat(stderr).toString(),
        }),
      );
    });
  });
}

function cannotStart(command: Command, error: NodeJS.ErrnoException): Failure {
  const missing = error.code === 'ENOENT';
  return new Failure(
    missing
      ? `The program ${command.file} was not found.`
      : `The program ${command.file} could not be started: ${error.message}`,
    {
      ...(missing ? { next: `Install ${command.file}, or add its folder to PATH.` } : {}),
      cause: error,
    },
  );
}

/**
 * Ends the child when the signal aborts: politely first, by force later. One that not even that ends
 * (sudo is root's) is left alone then, and so is what it has started and what holds its pipes.
 */
function endedBy(
  signal: AbortSignal | undefined,
  child: ChildProcess,
  reject: (reason: unknown) => void,
): () => void {
  if (!signal) return () => undefined;
  let force: NodeJS.Timeout | undefined;
  const letGo = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
    reject(signal.reason);
  };
  const abort = () => {
    child.once('exit', letGo);
    child.kill('SIGTERM');
    force = setTimeout(() => {
      child.kill('SIGKILL');
      force = setTimeout(letGo, patience.afterKill);
    }, patience.afterTerm);
  };
  signal.addEventListener('abort', abort, { once: true });
  return () => {
    signal.removeEventListener('abort', abort);
    clearTimeout(force);
  };
}
