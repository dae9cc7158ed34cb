import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { githubServer } from '../host/github-server.ts';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { homeFolder } from '../host/user.ts';
import type { RegistryCredentials } from '../inputs/settings.ts';
import type { ImageReference } from './reference.ts';

/** How to log in to a registry or its token server. */
export type RegistryLogin =
  | { kind: 'password'; username: string; password: string }
  /** An OAuth2 refresh token, as `docker login` keeps it for some registries. */
  | { kind: 'identity-token'; token: string };

/** What is used of a config.json of Docker or an auth.json of podman and skopeo. */
interface LoginFile {
  auths?: Record<string, { auth?: string; identitytoken?: string } | undefined>;
  credHelpers?: Record<string, string | undefined>;
  credsStore?: string;
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
 * @param place the store's `repository`, for which they were given
 */
export function credentialsElsewhere(
  given: RegistryCredentials,
  place: string,
  { registry }: Pick<ImageReference, 'registry'>,
): RegistryCredentials {
  const { anonymous, githubToken } = given;
  const local = place === '-' || /^(oci|docker-archive):/.test(place);
  return local || place.startsWith(`${registry}/`) ? given : { anonymous, githubToken };
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
  const helper = names.map(name => file.credHelpers?.[name]).find(Boolean);
  if (helper) return loginFromHelper(helper, server, host);
  const auths = Object.entries(file.auths ?? {});
  for (const name of names) {
    const entry = auths.find(([key]) => normalized(key) === normalized(name))?.[1];
    const login = entry && decodeEntry(entry);
    if (login) return login;
  }
  return file.credsStore ? loginFromHelper(file.credsStore, server, host) : undefined;
}

async function readLoginFile(path: string, host: Host): Promise<LoginFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') warn(host, `${path} cannot be read (${code})`);
    return undefined;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // said below; the parser's own message would quote the file, secrets and all
  }
  warn(host, `${path} is not valid JSON`);
  return undefined;
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

/** `https://ghcr.io/v2/` and `ghcr.io` are the same key to Docker. */
function normalized(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
}

function decodeEntry(entry: { auth?: string; identitytoken?: string }): RegistryLogin | undefined {
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
  if (!entry.auth) return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  // very old versions of Docker padded the password with NULs
  const password = text.slice(colon + 1).replace(/\0+$/, '');
  return { kind: 'password', username: text.slice(0, colon), password };
}

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
    if (code === 0) return decodeHelperAnswer(stdout);
    if (!/not found/i.test(stdout)) warn(host, `${file} failed with exit code ${code}`);
  } catch (error) {
    host.signal?.throwIfAborted();
    warn(
      host,
      error instanceof SyntaxError ? `${file} did not answer in JSON` : (error as Error).message,
    );
  }
  return undefined;
}

function decodeHelperAnswer(stdout: string): RegistryLogin | undefined {
  const answer = JSON.parse(stdout) as { Username?: string; Secret?: string };
  if (!answer.Secret) return undefined;
  if (answer.Username === '<token>') return { kind: 'identity-token', token: answer.Secret };
  return { kind: 'password', username: answer.Username ?? '', password: answer.Secret };
}

function warn(host: Host, what: string): void {
  const message = `${what.replace(/\.$/, '')}; its logins are not used.`;
  host.emit({ type: 'warning', message, at: host.clock() });
}
