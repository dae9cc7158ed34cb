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
  // a connection that was cut, and bytes that were damaged on their way
  [/unexpected.eof|bad.record.mac/i, 'broken'],
  [/wrong.version.number|packet.length.too.long|http.request/i, 'no TLS'],
  [/alert.(?:certificate.required|bad.certificate)/i, 'certificate wanted'],
];

/** Tells in which way a connection failed by the error that its end gave. */
export function faultOf(cause: unknown): Fault {
  const { code, message = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  const name = String(code ?? '');
  const known = faultByCode[name] ?? faultByPrefix.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (known !== 'other TLS') return known ?? 'broken';
  return faultByWords.find(([words]) => words.test(`${name} ${message}`))?.[1] ?? known;
}
