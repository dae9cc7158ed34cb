import type { Host } from '../host/host.ts';
import { type HttpClient, openHttp } from '../host/http/client.ts';
import type { Patience } from '../host/http/connection.ts';
import { isLoopback } from '../host/http/loopback.ts';
import type { Answer } from '../host/http/message.ts';
import type { RetryPolicy } from '../host/http/retry.ts';
import { warn } from '../host/say.ts';
import { checkedDigest, isDigest } from '../image/digest.ts';
import { authorizing, type RegistryRequest } from './auth.ts';
import { findLogin, type RegistryCredentials, type RegistryLogin } from './credentials.ts';
import { findOrigin } from './origin.ts';
import { checkTag, formatReference, type ImageReference } from './reference.ts';
import { refusal, unreachable } from './refusal.ts';

/** What a registry client is made of; the last two are for tests. */
export interface ClientOptions {
  host: Host;
  credentials: RegistryCredentials;
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
  const { clock, signal } = options.host;
  const { registry, origin, repository } = reference;
  const scope = `repository:${repository}:${options.reading ? 'pull' : 'pull,push'}`;
  const { plain, place, login, hasLogin } = approach(reference, options);
  const { exchange } = plain;
  const auth = { registry, origin: place, scope, login, exchange, clock, signal };
  let logIn = async () => {};
  const http = plain.through(send => {
    const authorized = authorizing(send, auth);
    logIn = authorized.logIn;
    return authorized.send;
  });
  const url = (path: string) => new URL(`/v2/${repository}/${path}`, origin);
  return {
    ...http,
    reference,
    repository: formatReference({ registry, origin, repository }),
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
    logIn,
    hasLogin,
    refused: (answer, action) =>
      refusal(answer, { reference, action, scope, withLogin: hasLogin() }),
    explained: error => unreachable(error, registry),
  };
}

/** The registry, as it is found to speak, and the login that may go there. */
function approach(reference: ImageReference, options: ClientOptions) {
  const { host, credentials, patience, retries } = options;
  const insecure = namesOf(options.insecureRegistries ?? []);
  const trust = { unverified: (name: string) => insecure.has(name) || isLoopback(name) };
  const plain = openHttp(host, { patience, retries, trust, silent: true });
  const place = findOrigin({ ...reference, insecure }, plain);
  let login: RegistryLogin | undefined;
  const findAllowed = async () => {
    const found = await findLogin(reference, credentials, host);
    if (found && !place.takesLogins()) warn(host, notByPlainHttp(reference));
    login = place.takesLogins() ? found : undefined;
    return login;
  };
  return { plain, place, login: findAllowed, hasLogin: () => login !== undefined };
}

/** Hosts as they are written, and as addresses have them: without the port that is HTTPS's own. */
const namesOf = (registries: readonly string[]): ReadonlySet<string> =>
  new Set(registries.flatMap(each => [each, new URL(`https://${each}`).host]));

const notByPlainHttp = ({ registry }: ImageReference) =>
  `${registry} speaks plain HTTP, and is sent no login; insecure-registries: ${registry} allows it.`;
