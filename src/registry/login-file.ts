import * as v from 'valibot';
import { lenient, readJson } from '../host/foreign-json.ts';

/** How to log in to a registry or its token server. */
export type RegistryLogin =
  | { kind: 'password'; username: string; password: string }
  /** An OAuth2 refresh token, as `docker login` keeps it for some registries. */
  | { kind: 'identity-token'; token: string };

const entry = v.pipe(
  v.object({
    auth: lenient(v.string()),
    username: lenient(v.string()),
    password: lenient(v.string()),
    identitytoken: lenient(v.string()),
  }),
  v.transform(({ auth, username, password, identitytoken: token }): RegistryLogin | undefined => {
    if (token) return { kind: 'identity-token', token };
    // as Docker has it: what other programs write in clear counts where there is no `auth`
    if (!auth) return username && password ? { kind: 'password', username, password } : undefined;
    return decodeAuth(auth);
  }),
);

function decodeAuth(auth: string): RegistryLogin | undefined {
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  // very old versions of Docker padded the password with NULs
  const password = text.slice(colon + 1).replace(/\0+$/, '');
  return { kind: 'password', username: text.slice(0, colon), password };
}

/** A helper's name is part of a program's: one with a slash would name another file. */
const helper = v.pipe(v.string(), v.regex(/^[\w.-]{1,100}$/));

/** A table by the registry's name as it was written; wrong entries are passed over. */
const table = <Entry>(of: v.GenericSchema<unknown, Entry | undefined>) =>
  v.fallback(
    v.pipe(
      v.record(v.string(), lenient(of)),
      v.transform(entries => new Map(Object.entries(entries).flatMap(given))),
    ),
    () => new Map<string, Entry>(),
  );

const given = <Entry>([name, entry]: [string, Entry | undefined]): [string, Entry][] =>
  entry === undefined ? [] : [[name, entry]];

/** What is used of a config.json of Docker or an auth.json of podman and skopeo. */
const fileSchema = v.object({
  auths: table(entry),
  /** Names of helpers by registry, and the one for all others. */
  credHelpers: table(helper),
  credsStore: lenient(helper),
});

const answerSchema = v.object({
  Username: v.optional(v.string(), ''),
  Secret: v.optional(v.string(), ''),
});

/**
 * Reads a file of logins; undefined where it is no JSON object. An entry that is not as it should be is
 * passed over, as one that holds no login is. Nothing of the text is told: it is secret.
 */
export function parseLoginFile(text: string): v.InferOutput<typeof fileSchema> | undefined {
  // editors of Windows begin a file with a mark
  return readJson(fileSchema, text.replace(/^\uFEFF/, ''));
}

/**
 * The login in a credential helper's answer, `{ "Username": …, "Secret": … }`: `none` where it has none,
 * undefined where it is no such answer.
 */
export function parseHelperAnswer(text: string): RegistryLogin | 'none' | undefined {
  const answer = readJson(answerSchema, text);
  if (answer === undefined) return undefined;
  const { Username: username, Secret: secret } = answer;
  if (secret === '') return 'none';
  if (username === '<token>') return { kind: 'identity-token', token: secret };
  return { kind: 'password', username, password: secret };
}
