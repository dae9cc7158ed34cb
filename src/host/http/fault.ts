/**
 * In which way a connection failed. `away`: nobody listens there. `slow`: next to nothing comes. `broken`:
 * it was cut, or anything else that may pass. The others are how the server is, and stay as they are.
 */
export type Fault =
  | 'away'
  | 'slow'
  | 'broken'
  | 'certificate expired'
  | 'certificate of another'
  | 'certificate unknown'
  | 'certificate wanted'
  | 'no TLS'
  | 'other TLS'
  | 'no HTTP';

const faultByCode: Readonly<Record<string, Fault>> = {
  ENOTFOUND: 'away',
  ECONNREFUSED: 'away',
  ERR_PROXY_TUNNEL: 'away',
  ERR_TOO_SLOW: 'slow',
  CERT_HAS_EXPIRED: 'certificate expired',
  CERT_NOT_YET_VALID: 'certificate expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate of another',
  HOSTNAME_MISMATCH: 'certificate of another',
  // only the end of a body that was cut
  HPE_INVALID_EOF_STATE: 'broken',
};

/** Errors of Node, libuv and OpenSSL by the beginning of their code. */
const faultByPrefix: readonly (readonly [string, Fault])[] = [
  ['HPE_', 'no HTTP'],
  ['CERT_', 'certificate unknown'],
  ['UNABLE_TO_', 'certificate unknown'],
  ['DEPTH_ZERO_', 'certificate unknown'],
  ['SELF_SIGNED_', 'certificate unknown'],
  ['INVALID_CA', 'certificate unknown'],
  ['ERR_SSL_', 'other TLS'],
  ['ERR_TLS_', 'other TLS'],
  ['EPROTO', 'other TLS'],
];

/** What OpenSSL says, which Node gives as a code or (for EPROTO) in the message alone. */
const faultByWords: readonly (readonly [RegExp, Fault])[] = [
  // a connection that was cut or slow, and bytes that were damaged on their way
  [/unexpected.eof|bad.record.mac|handshake.timeout/i, 'broken'],
  [/wrong.version.number|packet.length.too.long|http.request/i, 'no TLS'],
  [/alert.(?:certificate.required|bad.certificate)/i, 'certificate wanted'],
];

/** What stays as it is, however often it is tried: in our words, of the server, with what to do. */
export const lasting: Readonly<Partial<Record<Fault, { what: string; next: string }>>> = {
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

/** Tells in which way a connection failed by the error that its end gave. */
export function faultOf(cause: unknown): Fault {
  const { code, message = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  const name = String(code ?? '');
  const known = faultByCode[name] ?? faultByPrefix.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (known !== 'other TLS') return known ?? 'broken';
  return faultByWords.find(([words]) => words.test(`${name} ${message}`))?.[1] ?? known;
}
