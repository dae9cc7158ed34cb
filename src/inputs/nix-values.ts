import { badInput, quote } from './values.ts';

/** A version of Nix, such as 2.34.8. */
export function readVersion(name: string, raw: string): string {
  if (/^\d+(\.\d+)+$/.test(raw)) return raw;
  throw badInput(name, `expected a version such as 2.34.8; found ${quote(raw)}.`);
}

/** A sha256 as hex or SRI; the same text. */
export function readSha256(name: string, raw: string): string {
  if (/^([0-9a-f]{64}|sha256-[A-Za-z0-9+/]{43}=)$/i.test(raw)) return raw;
  throw badInput(name, `expected 64 hex digits or sha256-… in base64; found ${quote(raw)}.`);
}

/** Where a release is fetched from; there may be a password in it, so that no error repeats it. */
export function readReleaseAddress(name: string, raw: string): string {
  if (['https:', 'http:', 'file:'].includes(URL.parse(raw)?.protocol ?? '')) return raw;
  throw badInput(
    name,
    'it is not an address that begins with https://, http:// or file:///.',
    'Give the address of a tarball, or of a folder that holds tarballs with the official names.',
  );
}

/** A whole number, as the text that nix.conf takes. */
export function readWholeNumber(name: string, raw: string): string {
  if (/^\d+$/.test(raw)) return raw;
  throw badInput(name, `expected a whole number; found ${quote(raw)}.`);
}

/** Lines `host=token`; no error repeats what may be a token. */
export function readAccessTokens(
  name: string,
  lines: readonly string[],
): { host: string; token: string }[] {
  return lines.map((line, index) => {
    const [, host, token] = /^([^\s=]+)=(\S+)$/.exec(line) ?? [];
    if (host !== undefined && token !== undefined) return { host, token };
    throw badInput(name, `line ${index + 1} is not of the form host=token.`);
  });
}

/** Keys `name:base64`, by lines or spaces. */
export function readPublicKeys(name: string, lines: readonly string[]): string[] {
  return words(lines).map(key => {
    if (/^[^:\s]+:[A-Za-z0-9+/]{43}=$/.test(key)) return key;
    throw badInput(name, `expected name:key; found ${quote(key)}.`);
  });
}

/** Addresses by lines or spaces; one with a password in it would be printed by Nix. */
export function readAddresses(name: string, lines: readonly string[]): string[] {
  return words(lines).map(address => {
    const url = URL.parse(address);
    if (url === null) throw badInput(name, `expected an address; found ${quote(address)}.`);
    if (url.password === '') return address;
    throw badInput(
      name,
      `the address of ${url.host} has a password in it.`,
      'Put it into a netrc file (netrc-file in `nix-conf`).',
    );
  });
}

const words = (lines: readonly string[]): string[] => lines.flatMap(line => line.split(/\s+/));

/** The secret of a cache; undefined: it has none. */
type SecretOf = (cache: string) => string | undefined;

/** A secret for all caches, or `name=secret` lines; base64 may end in `=`, names have none. */
export function readSecretsByName(name: string, lines: readonly string[]): SecretOf {
  const pairs = new Map<string, string>();
  let general: string | undefined;
  for (const [index, line] of lines.entries()) {
    const [, cache, secret] = /^([a-z0-9][a-z0-9-]*)=(?!=?$)(\S+)$/.exec(line) ?? [];
    if (cache !== undefined && secret !== undefined) pairs.set(cache, secret);
    else if (lines.length === 1) general = line;
    else throw badInput(name, `line ${index + 1} is not of the form name=secret.`);
  }
  return cache => pairs.get(cache) ?? general;
}

/** A regular expression of JavaScript. */
export function readFilter(name: string, raw: string): RegExp {
  try {
    return new RegExp(raw);
  } catch (error) {
    throw badInput(name, (error as Error).message);
  }
}
