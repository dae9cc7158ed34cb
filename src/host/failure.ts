/** What a {@link Failure} can say beside its message. */
export interface FailureDetails {
  /** The layer (or layer target) on which it happened. */
  layer?: string;
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

/** The text a face shows for any thrown value: message, place, attempts, evidence, next step. */
export function explain(error: unknown): string {
  if (!(error instanceof Failure)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { layer, tried, next, evidence } = error.details;
  return [
    layer === undefined ? error.message : `${layer}: ${error.message}`,
    ...(evidence ?? []).map(line => `  ${line}`),
    ...(tried === undefined ? [] : [`Tried: ${tried}`]),
    ...(next === undefined ? [] : [`Next: ${next}`]),
  ].join('\n');
}
