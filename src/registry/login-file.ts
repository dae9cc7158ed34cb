import { jsonExcess } from '../host/json-size.ts';

/** How to log in to a registry or its token server. */
export type RegistryLogin =
  | { kind: 'password'; username: string; password: string }
  /** An OAuth2 refresh token, as `docker login` keeps it for some registries. */
  | { kind: 'identity-token'; token: string };

/** What is used of a config.json of Docker or an auth.json of podman and skopeo. */
export interface LoginFile {
  /** By the registry's name as it was written. */
  auths: ReadonlyMap<string, RegistryLogin>;
  /** Names of helpers by registry, and the one for all others. */
  credHelpers: ReadonlyMap<string, string>;
  credsStore?: string;
}

/**
 * Reads a file of logins; undefined where it is no JSON object. An entry that is not as it should be is
 * passed over, as one that holds no login is. Nothing of the text is told: it is secret.
 */
export function parseLoginFile(text: string): LoginFile | undefined {
  const file = jsonObject(text);
  if (file === undefined) return undefined;
  const credsStore = helperName(file.credsStore);
  return {
    auths: mapOf(file.auths, decodeEntry),
    credHelpers: mapOf(file.credHelpers, helperName),
    ...(credsStore === undefined ? {} : { credsStore }),
  };
}

/**
 * The login in a credential helper's answer, `{ "Username": …, "Secret": … }`: `none` where it has none,
 * undefined where it is no such answer.
 */
export function parseHelperAnswer(text: string): RegistryLogin | 'none' | undefined {
  const answer = jsonObject(text);
  if (answer === undefined) return undefined;
  const { Username: username = '', Secret: secret = '' } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string') return undefined;
  if (secret === '') return 'none';
  if (username === '<token>') return { kind: 'identity-token', token: secret };
  return { kind: 'password', username, password: secret };
}

function decodeEntry(entry: unknown): RegistryLogin | undefined {
  if (!isRecord(entry)) return undefined;
  const { auth, identitytoken } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '') {
    return { kind: 'identity-token', token: identitytoken };
  }
  if (typeof auth !== 'string') return undefined;
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  // very old versions of Docker padded the password with NULs
  const password = text.slice(colon + 1).replace(/\0+$/, '');
  return { kind: 'password', username: text.slice(0, colon), password };
}

/** A helper's name is part of a program's: one with a slash would name another file. */
const helperName = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined;

function mapOf<T>(value: unknown, read: (entry: unknown) => T | undefined): Map<string, T> {
  const found = new Map<string, T>();
  if (!isRecord(value)) return found;
  for (const [name, entry] of Object.entries(value)) {
    const known = read(entry);
    if (known !== undefined) found.set(name, known);
  }
  return found;
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (jsonExcess(text) !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined; // the parser's own message would quote the text
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
