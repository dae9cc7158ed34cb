/** What stands before a host: addresses of the web need no slashes, and may have them turned. */
const beginningOf = /^\s*(?:((?:https?|ftp|wss?):[/\\]*|\/\/)|[a-z][a-z0-9+.-]*:\/\/)/i;

/**
 * An address as it may be stored and compared: without the user name and password that may stand
 * before its host. What is no address stays as it is.
 */
export function withoutLogin(address: string): string {
  const [beginning, ofWeb] = beginningOf.exec(address) ?? [];
  if (beginning === undefined) return address;
  const rest = address.slice(beginning.length);
  const [authority = ''] = (ofWeb === undefined ? /^[^/?#]*/ : /^[^/\\?#]*/).exec(rest) ?? [];
  // in an address that is none, a password may hold what would end the host's part
  const before = URL.canParse(address, 'https://host/') ? authority : rest;
  return `${beginning}${rest.slice(before.lastIndexOf('@') + 1)}`;
}

/** An address as it may be shown: without a login, and without the query, which may be a signature. */
export function shownAddress(address: string): string {
  return withoutLogin(address).replace(/[?#].*$/s, '');
}

/** The URL without a login: one that a server names is not to say who we are. */
export function urlWithoutLogin(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}
