import { lasting } from './fault.ts';
import { ConnectionLost, Unreachable } from './message.ts';

/**
 * Makes an {@link Unreachable} of a lost connection; anything else is returned as it is.
 *
 * @param server as people know it
 * @param named what has named it, in words that complete "Check …"
 */
export function explainedLoss(error: unknown, server: string, named: string): unknown {
  if (!(error instanceof ConnectionLost)) return error;
  const known = lasting[error.fault];
  return new Unreachable(`The connection to ${server} failed: ${error.message}.`, {
    ...(known ? {} : { tried: 'more than once, with longer and longer waits' }),
    next: known?.next ?? `Check ${named}, the network, and HTTPS_PROXY and NO_PROXY.`,
    cause: error,
  });
}
