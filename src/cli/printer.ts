import type { Writable } from 'node:stream';
import { Failure } from '../host/failure.ts';
import { type TextGuard, textGuard } from '../host/foreign-text.ts';

/** The streams of the process, as far as the command line writes to them. */
export interface Streams {
  /** What was asked for: help, reports, an image. */
  stdout: Writable;
  /** What people read meanwhile. */
  stderr: Writable;
  /** Standard error where it is a terminal that can be drawn on. */
  terminal: NodeJS.WriteStream | undefined;
  /** Standard output is a terminal, which takes no image. */
  stdoutIsTerminal: boolean;
}

/**
 * The command line's one door: whatever it prints goes through here, and no text of others can hide a
 * part of itself, change the terminal, show a secret, or be a command to a workflow's runner.
 */
export interface Printer {
  /** Prints what was asked for on standard output. */
  result(text: string): void;
  /** Prints a JSON document that was asked for on standard output, as a whole. */
  data(json: string): void;
  /** Prints what people read meanwhile on standard error. */
  tell(text: string): void;
  /** For what draws on the terminal by itself. */
  guard: TextGuard;
  /**
   * Resolves when all is written, with what is to be said where standard output has lost a part of it.
   * A reader that has gone away wants no more, and is no failure.
   */
  finish(): Promise<Failure | undefined>;
}

/** Nothing that is printed ever throws: a run goes on, and clears up, though nobody reads. */
export function openPrinter({ stdout, stderr }: Pick<Streams, 'stdout' | 'stderr'>): Printer {
  const guard = textGuard();
  let problem: NodeJS.ErrnoException | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    problem ??= error;
  });
  stderr.on('error', () => undefined);
  return {
    result: text => stdout.write(guard.text(text)),
    data: json => stdout.write(guard.json(json)),
    tell: text => stderr.write(guard.text(text)),
    guard,
    async finish() {
      await Promise.all([written(stdout), written(stderr)]);
      return problem === undefined || problem.code === 'EPIPE' ? undefined : incomplete(problem);
    },
  };
}

/** The streams of this process. */
export const processStreams = (): Streams => ({
  stdout: process.stdout,
  stderr: process.stderr,
  terminal: canDraw(process.stderr, process.env.TERM) ? process.stderr : undefined,
  stdoutIsTerminal: process.stdout.isTTY,
});

/** Some terminals of CI systems have no size, and nothing can be drawn on a dumb one. */
function canDraw(stream: NodeJS.WriteStream, kind: string | undefined): boolean {
  return stream.isTTY && stream.columns > 0 && kind !== 'dumb';
}

/** Errors of a stream are told after the write that met them. */
const written = (stream: Writable): Promise<void> =>
  new Promise(resolve => {
    if (stream.destroyed) setImmediate(resolve);
    else stream.write('', () => setImmediate(resolve));
  });

const incomplete = (cause: Error) =>
  new Failure(`Standard output could not be written to: ${cause.message}.`, {
    next: 'Let it go to a file or a program that takes all of it.',
    cause,
  });
