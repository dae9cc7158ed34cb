import type { Host } from '../host/host.ts';
import type { HttpClient } from '../host/http/client.ts';
import type { Patience } from '../host/http/connection.ts';
import type { Answer, HttpRequest } from '../host/http/message.ts';
import type { RetryPolicy } from '../host/http/retry.ts';
import { warn } from '../host/say.ts';
import { checkedDigest, isDigest } from '../image/digest.ts';
import { authorizing, type RegistryRequest } from './auth.ts';
import { findLogin, type RegistryCredentials, type RegistryLogin } from './credentials.ts';
import { type RegistryHosts, registryHosts } from './hosts.ts';
import type { Origin } from './origin.ts';
import { checkTag, formatReference, type ImageReference } from './reference.ts';
import { refusal, unreachable } from './refusal.ts';
import type { Habits } from './way.ts';

/** What a registry client is made of; the last two are for tests. */
export interface ClientOptions {
  host: Host;
  credentials: RegistryCredentials;
  /** The registries of the run, where it has more than one repository. */
  hosts?: RegistryHosts | undefined;
  /** Registries ("registry:5000") that need no TLS, and no certificate that is trusted. */
  insecureRegistries?: readonly string[] | undefined;
  /** True: only "pull" is asked for. */
  reading?: boolean;
  retries?: Partial<RetryPolicy>;
  patience?: Patience;
}

/** Requests to one repository of a registry, with the login that it asks for. */
export interface RegistryClient extends Omit<HttpClient<RegistryRequest>, 'through'> {
  readonly reference: ImageReference;
  /** "ghcr.io/o/comfyui". */
  readonly repository: string;
  /** How the registry takes bytes, as far as the run has found it out. */
  readonly habits: Habits;
  /** The run's; requests without a signal of their own end with it. */
  readonly signal: AbortSignal | undefined;
  /**
   * Addresses below the repository, of a blob and of a manifest by tag or digest: nothing else than
   * these comes into an address, whoever named it. @throws Failure
   */
  blobUrl(digest: string): URL;
  manifestUrl(name: string): URL;
  uploadsUrl(): URL;
  tagsUrl(): URL;
  referrersUrl(digest: string): URL;
  /** Connects, and logs in where that is wanted. Rejects with ConnectionLost or a Failure. */
  logIn(): Promise<void>;
  /** Whether a login was found for it by now. */
  hasLogin(): boolean;
  /** The Failure for an answer, `action` continuing "could not". */
  refused(answer: Answer, action: string): Error;
  /** Makes a Failure of a lost connection; anything else is returned as it is. */
  explained(error: unknown): unknown;
}

/** Makes a client for one repository; no request is sent yet. */
export function registryClient(reference: ImageReference, options: ClientOptions): RegistryClient {
  const { hosts = registryHosts(), host } = options;
  const { clock, signal } = host;
  const { registry, origin, repository } = reference;
  const scope = `repository:${repository}:${options.reading ? 'pull' : 'pull,push'}`;
  const { http: shared, place, habits, ...known } = hosts.enter(reference, options);
  const http = endingWith(signal, shared);
  const { login, hasLogin } = loginFor(reference, place, options);
  const { exchange } = http;
  const auth = authorizing({
    ...{ registry, origin: place, scope, login, exchange, clock, signal },
    shared: known.shared,
  });
  let isOpen = true;
  const url = (path: string) => new URL(`/v2/${repository}/${path}`, origin);
  return {
    ...endingWith(signal, shared.through(auth.over)),
    reference,
    repository: formatReference({ registry, origin, repository }),
    habits,
    signal,
    blobUrl: digest => url(`blobs/${checkedDigest(digest, `A blob of ${repository}`)}`),
    manifestUrl: name => {
      if (!isDigest(name)) checkTag(name);
      return url(`manifests/${name}`);
    },
    uploadsUrl: () => url('blobs/uploads/'),
    tagsUrl: () => url('tags/list?n=1000'),
    referrersUrl: digest =>
      url(`referrers/${checkedDigest(digest, `A manifest of ${repository}`)}`),
    logIn: auth.logIn,
    hasLogin,
    refused: (answer, action) =>
      refusal(answer, { reference, action, scope, withLogin: hasLogin() }),
    explained: error => unreachable(error, registry),
    close: () => {
      if (isOpen) hosts.leave(reference);
      isOpen = false;
    },
  };
}

/** The same connections, with the signal of one who uses them. */
function endingWith<Request extends HttpRequest>(
  signal: AbortSignal | undefined,
  { send, exchange, policy, close }: HttpClient<Request>,
) {
  const signed = (request: Request): Request => ({ ...request, signal: request.signal ?? signal });
  return {
    send: (request: Request) => send(signed(request)),
    exchange: (request: Request) => exchange(signed(request)),
    policy,
    close,
  };
}

/** The login that may go to a registry, as it is found to speak. */
function loginFor(reference: ImageReference, place: Origin, options: ClientOptions) {
  const { host, credentials } = options;
  let login: RegistryLogin | undefined;
  const find = async () => {
    const found = await findLogin(reference, credentials, host);
    if (found && !place.takesLogins()) warn(host, notByPlainHttp(reference));
    login = place.takesLogins() ? found : undefined;
    return login;
  };
  return { login: find, hasLogin: () => login !== undefined };
}

const notByPlainHttp = ({ registry }: ImageReference) =>
  `${registry} speaks plain HTTP, and is sent no login; \`insecure-registries: ${registry}\` allows it.`;
