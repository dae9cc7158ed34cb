import type { Writable } from 'node:stream';
import { Failure } from '../host/failure.ts';
import { textGuard } from '../host/foreign-text.ts';
import { hasColours, type Look, linked, type Piece, painted } from './paint.ts';

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
  /** How wide standard output is; undefined: it is no terminal. */
  columns: number | undefined;
  /** Standard error shows colours. */
  colours: boolean;
}

/**
 * The command line's one door: whatever it prints goes through here, and no text of others can hide a
 * part of itself, change the terminal, show a secret, or be a command to a workflow's runner. Colours and
 * links are put around such text when it has become harmless.
 */
export interface Printer {
  /** Prints what was asked for on standard output. */
  result(text: string): void;
  /** Prints a JSON document there, which stays one. */
  json(document: string): void;
  /** Prints what people read meanwhile on standard error; `look` is that of the first line. */
  tell(text: string, look?: Look): void;
  /** Prints one line of pieces there. */
  tellLine(pieces: readonly Piece[]): void;
  /** The same text, for what draws on the terminal by itself. */
  shown(text: string, look?: Look): string;
  /** One line of pieces, cut by `fit` once they are harmless, which may have made them longer. */
  line(pieces: readonly Piece[], fit?: (pieces: readonly Piece[]) => readonly Piece[]): string;
  /** Learns a secret, which is shown no more. */
  hide(secret: string): void;
  /** From now on files that pieces open are links: the terminal has them. */
  showLinks(): void;
  /**
   * Resolves when all is written, with what is to be said where standard output has lost a part of it.
   * A reader that has gone away wants no more, and is no failure.
   */
  finish(): Promise<Failure | undefined>;
}

/** Nothing that is printed ever throws: a run goes on, and clears up, though nobody reads. */
export function openPrinter({
  stdout,
  stderr,
  colours,
}: Pick<Streams, 'stdout' | 'stderr' | 'colours'>): Printer {
  const guard = textGuard();
  let hasLinks = false;
  let problem: NodeJS.ErrnoException | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    problem ??= error;
  });
  stderr.on('error', () => undefined);
  const paint = (text: string, look?: Look) =>
    colours && look !== undefined ? painted(text, look) : text;
  const shown = (text: string, look?: Look): string => {
    const [first = '', ...others] = guard.lines(text);
    return [paint(first, look), ...others].join('\n');
  };
  const line: Printer['line'] = (pieces, fit = all => all) =>
    fit(pieces.map(piece => ({ ...piece, text: guard.line(piece.text) })))
      .map(({ text, look, opens }) => {
        const looking = paint(text, look);
        return hasLinks && opens !== undefined ? linked(looking, opens) : looking;
      })
      .join('');
  return {
    result: text => stdout.write(guard.text(text)),
    json: document => stdout.write(guard.json(document)),
    tell: (text, look) => stderr.write(shown(text, look)),
    shown,
    tellLine: pieces => stderr.write(`${line(pieces)}\n`),
    line,
    hide: guard.hide,
    showLinks: () => {
      hasLinks = true;
    },
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
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  colours: hasColours(process.stderr.isTTY, process.env),
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
