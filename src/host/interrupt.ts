import { Failure } from './failure.ts';

/** The part of `process` that interrupts need. */
export interface Interruptible {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * A signal that aborts on the first SIGINT or SIGTERM (Ctrl-C, a cancelled job) with a `Failure` of
 * exit code 130; a second one ends the process at once. `dispose` takes the listeners off again.
 */
export function abortOnInterrupt(of: Interruptible): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) return of.exit(130);
    controller.abort(
      new Failure('The run was interrupted.', {
        exitCode: 130,
        next: 'Run it again: what was pushed already is found there.',
      }),
    );
  };
  of.on('SIGINT', listener);
  of.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    dispose: () => {
      of.off('SIGINT', listener);
      of.off('SIGTERM', listener);
    },
  };
}

/**
 * Tells of what nobody awaited or caught (a rejection in the background, an error of a stream), and ends
 * the process with 1: what was under way cannot be trusted any more.
 */
export function endOnFault(of: Faultable, tell: (error: unknown) => void): void {
  of.on('uncaughtException', error => {
    tell(error);
    of.exit(1);
  });
}

/** The part of `process` that {@link endOnFault} needs; rejections come as exceptions, too. */
export interface Faultable {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

/** Exit code for what a run threw: 130 after an interrupt, whatever broke because of it. */
export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return 130;
  return error instanceof Failure ? error.exitCode : 1;
}
