/** What a {@link Failure} can say beside its message. */
export interface FailureDetails {
  /** The layer (or layer target) on which it happened. */
  layer?: string;
  /** Why it failed, where that is known: a sentence; or "likely: " and a guess. */
  why?: string;
  /** What the program did before it gave up, as one sentence. */
  tried?: string;
  /** What the user can do next, as one sentence or a command. */
  next?: string;
  /** Lines of evidence, such as the end of a builder's log. */
  evidence?: readonly string[];
  /** Process exit code: 1 for a failure, 2 for wrong usage, 130 for an interrupt. */
  exitCode?: 1 | 2 | 130;
  cause?: unknown;
}

/**
 * An error meant for the user: it says what failed, where, what was tried and what to do next.
 * Anything else that is thrown is a defect of this program.
 */
export class Failure extends Error {
  readonly details: FailureDetails;

  constructor(message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'Failure';
    this.details = details;
  }

  get exitCode(): number {
    return this.details.exitCode ?? 1;
  }
}

/** Where faults are told: `bugs` of package.json, which a test compares. */
export const bugs = 'https://github.com/org/comfy-nix-action/issues';

/** Set to 1, it makes the command line show where an error comes from. */
export const debugVariable = 'COMFY_NIX_DEBUG';

/**
 * The text a face shows for any thrown value: message, place, evidence, why, attempts, next step. `words` puts
 * what this program says into the words of its face; evidence is shown as it is.
 */
export function explain(error: unknown, words = (text: string) => text): string {
  const failure = error instanceof Failure ? error : unexpected(error);
  const { layer, why, tried, next, evidence } = failure.details;
  return [
    `${layer === undefined ? '' : `${layer}: `}${words(failure.message)}`,
    ...(evidence ?? []).map(line => `  ${line}`),
    ...(why === undefined ? [] : [`Why: ${words(why)}`]),
    ...(tried === undefined ? [] : [`Tried: ${words(tried)}`]),
    ...(next === undefined ? [] : [`Next: ${words(next)}`]),
  ].join('\n');
}

/** What was asked for, or something else where that ends in a {@link Failure}; a defect is thrown on. */
export async function orElse<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Failure) return otherwise;
    throw error;
  }
}

/** What is thrown and is no {@link Failure} is a defect; a full disk can meet any line of code. */
function unexpected(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Failure(`There is no space left on the disk: ${(error as Error).message}.`, {
      next: 'Free some space, and run it again.',
    });
  }
  return new Failure(`This is a fault of comfy-nix: ${briefly(error)}`, {
    next:
      `Report it at ${bugs}, with what was run. ${debugVariable}=1, or debug logging in a ` +
      'workflow, shows where it happened.',
  });
}

const briefly = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : `${typeof error} was thrown`;

/** Where an error comes from, with all that caused it: for debug logs alone. */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return briefly(error);
  const trace = error.stack ?? briefly(error);
  return error.cause === undefined ? trace : `${trace}\ncaused by: ${traceOf(error.cause)}`;
}
