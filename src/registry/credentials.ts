import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { githubServer } from '../host/github-server.ts';
import type { Host } from '../host/host.ts';
import { limits, patience } from '../host/limits.ts';
import { warn } from '../host/say.ts';
import { homeFolder } from '../host/user.ts';
import { parseHelperAnswer, parseLoginFile, type RegistryLogin } from './login-file.ts';
import type { ImageReference } from './reference.ts';

export type { RegistryLogin } from './login-file.ts';

/** Credentials for the registry, most specific first. */
export interface RegistryCredentials {
  /** Nothing is looked up anywhere else either: for code from a fork. */
  anonymous?: boolean | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Used on the registry of the job's own GitHub only, where nothing else is given. */
  githubToken?: string | undefined;
}

/** Docker keeps the login of Docker Hub under this name. */
const dockerHubKey = 'https://index.docker.io/v1/';

/**
 * The login for a reference: what was given, else the files of Docker, podman and skopeo with their
 * credential helpers, else (on the registry of the job's own GitHub) the job's token. Undefined:
 * anonymous.
 */
export async function findLogin(
  reference: Pick<ImageReference, 'registry' | 'repository'>,
  given: RegistryCredentials,
  host: Host,
): Promise<RegistryLogin | undefined> {
  if (given.anonymous) return undefined;
  const username = given.username || host.env.GITHUB_ACTOR || 'token';
  if (given.password) return { kind: 'password', username, password: given.password };
  for (const file of loginFiles(host.env)) {
    const login = await loginFromFile(file, reference, host);
    if (login) return login;
  }
  if (given.githubToken && reference.registry === githubServer(host.env)?.registry) {
    const actor = host.env.GITHUB_ACTOR || 'token';
    return { kind: 'password', username: actor, password: given.githubToken };
  }
  return undefined;
}

/**
 * The part of credentials that another place than the one they were given for may see: all of them on
 * the same registry, and where the image itself stays on this machine; elsewhere only the job's
 * token, which `findLogin` uses on the registry of the job's GitHub alone.
 *
 * @param place the registry's for which they were given; undefined: the image stays on this machine
 */
export function credentialsElsewhere(
  given: RegistryCredentials,
  place: Pick<ImageReference, 'registry'> | undefined,
  { registry }: Pick<ImageReference, 'registry'>,
): RegistryCredentials {
  const { anonymous, githubToken } = given;
  const isSame = place === undefined || place.registry === registry;
  return isSame ? given : { anonymous, githubToken };
}

/** Docker's file first, then those that podman and skopeo write. */
function loginFiles(env: Host['env']): string[] {
  const home = homeFolder(env) ?? '/';
  return [
    join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
    ...(env.REGISTRY_AUTH_FILE ? [env.REGISTRY_AUTH_FILE] : []),
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers/auth.json'),
  ];
}

async function loginFromFile(
  path: string,
  reference: Pick<ImageReference, 'registry' | 'repository'>,
  host: Host,
): Promise<RegistryLogin | undefined> {
  const file = await readLoginFile(path, host);
  if (!file) return undefined;
  const server = reference.registry === 'docker.io' ? dockerHubKey : reference.registry;
  const names = namesOf(reference);
  const helper = entryOf(file.credHelpers, names);
  if (helper) return loginFromHelper(helper, server, host);
  const login = entryOf(file.auths, names);
  if (login) return login;
  return file.credsStore ? loginFromHelper(file.credsStore, server, host) : undefined;
}

async function readLoginFile(path: string, host: Host) {
  let text: string | undefined;
  try {
    text = await readSecretText(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') notUsed(host, `${path} cannot be read (${code})`);
    return undefined;
  }
  if (text === undefined) {
    notUsed(host, `${path} is larger than ${limits.loginFile >> 20} MB`);
    return undefined;
  }
  const file = parseLoginFile(text);
  if (file === undefined) notUsed(host, `${path} is not valid JSON`);
  return file;
}

/** A file's text; undefined where it has more than such files have. It may be a pipe: its size is not asked. */
async function readSecretText(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of file.createReadStream({ end: limits.loginFile, autoClose: false })) {
      pieces.push(piece as Buffer);
      size += (piece as Buffer).length;
    }
    return size > limits.loginFile ? undefined : Buffer.concat(pieces).toString();
  } finally {
    await file.close();
  }
}

/**
 * Keys that may hold the login, most specific first: podman keeps logins for parts of a registry.
 */
function namesOf({ registry, repository }: Pick<ImageReference, 'registry' | 'repository'>) {
  const parts = repository.split('/');
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
  return [
    ...paths.map(path => `${registry}/${path}`),
    registry,
    ...(registry === 'docker.io' ? [dockerHubKey, 'index.docker.io', 'registry-1.docker.io'] : []),
  ];
}

/**
 * The entry under the first of these names. Docker takes no notice of what follows the host in an
 * address; without a scheme it is podman's name for a part of the registry.
 */
function entryOf<Entry>(entries: ReadonlyMap<string, Entry>, names: readonly string[]) {
  for (const form of [normalized, hostOfAddress]) {
    for (const name of names) {
      const wanted = normalized(name);
      const [, entry] = [...entries].find(([key]) => form(key) === wanted) ?? [];
      if (entry) return entry;
    }
  }
  return undefined;
}

/** `https://ghcr.io/v2/` and `ghcr.io` are the same key to Docker. */
function normalized(key: string): string {
  return key.replace(/^https?:\/\//i, '').replace(/\/(?:v[12]\/?)?$/, '');
}

/** The host and port of a key that is an address. */
const hostOfAddress = (key: string) => /^https?:\/\/([^/]+)/i.exec(key)?.[1];

/** Asks `docker-credential-<name> get`, which reads the server's name from its standard input. */
async function loginFromHelper(
  name: string,
  server: string,
  host: Host,
): Promise<RegistryLogin | undefined> {
  const file = `docker-credential-${name}`;
  try {
    const { code, stdout } = await host.run({
      file,
      args: ['get'],
      stdin: server,
      signal: host.signal,
      limit: { what: `${file} to give a login`, ms: patience.credentialHelper },
    });
    if (code === 0) {
      const answer = stdout.length > limits.loginFile ? undefined : parseHelperAnswer(stdout);
      if (answer === undefined) notUsed(host, `${file} did not answer in JSON`);
      return answer === 'none' ? undefined : answer;
    }
    if (!/not found/i.test(stdout)) notUsed(host, `${file} failed with exit code ${code}`);
  } catch (error) {
    host.signal?.throwIfAborted();
    notUsed(host, error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

function notUsed(host: Host, what: string): void {
  const message = `${what.replace(/\.$/, '')}; its logins are not used.`;
  warn(host, message);
}
