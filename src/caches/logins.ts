import { type Login, netrcLogin } from './netrc.ts';

/**
 * The login with which Nix would ask a cache: that of its address, else that of the netrc file. Where
 * the address names a user alone, the file may have the password.
 */
export function loginFor(url: URL, netrc: string): Login | undefined {
  const machine = url.hostname.replace(/^\[|\]$/g, '');
  const [username, password] = [decoded(url.username), decoded(url.password)];
  if (username === '' && password === '') return netrcLogin(netrc, machine);
  if (password !== '') return { username, password };
  return netrcLogin(netrc, machine, username) ?? { username, password };
}

/** The header of HTTP for a login. */
export function basicAuthorization({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that escapes nothing
  }
}
