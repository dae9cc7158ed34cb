import { ConnectionLost, Unreachable } from './message.ts';

/**
 * Makes an {@link Unreachable} of a lost connection; anything else is returned as it is.
 *
 * @param server as people know it
 * @param named what has named it, in words that complete "Check …"
 */
export function explainedLoss(error: unknown, server: string, named: string): unknown {
  if (!(error instanceof ConnectionLost)) return error;
  return new Unreachable(`The connection to ${server} failed: ${error.message}.`, {
    ...(error.untrusted ? {} : { tried: 'more than once, with longer and longer waits' }),
    next: error.untrusted
      ? 'Name a file with the certificate authority that signed it in SSL_CERT_FILE.'
      : `Check ${named}, the network, and HTTPS_PROXY and NO_PROXY.`,
    cause: error,
  });
}
