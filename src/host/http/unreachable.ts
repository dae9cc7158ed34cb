import type { Fault } from './fault.ts';
import { ConnectionLost, Unreachable } from './message.ts';

/** What stays as it is, however often it is tried: in our words, with what to do. */
const lasting: Readonly<Partial<Record<Fault, { what: string; next: string }>>> = {
  'certificate expired': {
    what: 'its certificate is not valid at this time',
    next: 'Renew the certificate of the server, or set the clock of this machine.',
  },
  'certificate of another': {
    what: 'its certificate is for another name',
    next: 'Use the name that the certificate is for, or check who answers at this one.',
  },
  'certificate unknown': {
    what: 'its certificate is signed by nobody that this machine trusts',
    next: 'Name a file with the certificate authority that signed it in SSL_CERT_FILE.',
  },
  'certificate wanted': {
    what: 'it wants a certificate of who connects',
    next: 'Use an address at which it takes a login instead.',
  },
  'no TLS': {
    what: 'it does not speak TLS (HTTPS) there',
    next: 'Does it speak plain HTTP? Then name it so; else check its port, and the proxy before it.',
  },
  'other TLS': {
    what: 'it and this program could not agree on TLS (HTTPS)',
    next: 'Check its certificate and which versions of TLS it takes; 1.2 and 1.3 are spoken here.',
  },
  'no HTTP': {
    what: 'what it says is not HTTP',
    next: 'Check its port, whether it wants HTTPS, and the proxies on the way to it.',
  },
};

/**
 * Makes an {@link Unreachable} of a lost connection; anything else is returned as it is.
 *
 * @param server as people know it
 * @param named what has named it, in words that complete "Check …"
 */
export function explainedLoss(error: unknown, server: string, named: string): unknown {
  if (!(error instanceof ConnectionLost)) return error;
  const known = lasting[error.fault];
  return new Unreachable(`The connection to ${server} failed: ${known?.what ?? error.message}.`, {
    ...(known ? {} : { tried: 'more than once, with longer and longer waits' }),
    next: known?.next ?? `Check ${named}, the network, and HTTPS_PROXY and NO_PROXY.`,
    cause: error,
  });
}
