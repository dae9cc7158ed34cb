import type { Host } from '../host/host.ts';
import { type Connection, openConnection, type Patience } from '../host/http/connection.ts';
import {
  type Answer,
  ConnectionLost,
  type Exchange,
  type HttpResponse,
  readBody,
} from '../host/http/message.ts';
import { following } from '../host/http/redirect.ts';
import { type RetryPolicy, retrying, usualRetries } from '../host/http/retry.ts';
import { checkedDigest, isDigest } from '../image/digest.ts';
import { authorizing, type RegistryRequest } from './auth.ts';
import { findLogin, type RegistryCredentials, type RegistryLogin } from './credentials.ts';
import { checkTag, formatReference, type ImageReference } from './reference.ts';
import { refusal, unreachable } from './refusal.ts';

/** What a registry client is made of; the last two are for tests. */
export interface ClientOptions {
  host: Host;
  credentials: RegistryCredentials;
  /** True: only "pull" is asked for. */
  reading?: boolean;
  retries?: Partial<RetryPolicy>;
  patience?: Patience;
}

/** Requests to one repository of a registry, stacked: connection, auth, redirects, retries. */
export interface RegistryClient {
  readonly reference: ImageReference;
  /** "ghcr.io/o/comfyui". */
  readonly repository: string;
  readonly policy: RetryPolicy;
  /** The run's; requests without a signal of their own end with it. */
  readonly signal: AbortSignal | undefined;
  /**
   * Addresses below the repository, of a blob and of a manifest by tag or digest: nothing else than
   * these comes into an address, whoever named it. @throws Failure
   */
  blobUrl(digest: string): URL;
  manifestUrl(name: string): URL;
  uploadsUrl(): URL;
  /** Connects, and logs in where that is wanted. Rejects with ConnectionLost or a Failure. */
  logIn(): Promise<void>;
  /** Sends and reads the answer; any status is a result. Rejects with ConnectionLost. */
  exchange: Exchange<RegistryRequest>;
  /** Sends once; the answer's body is to be read by the caller. */
  send(request: RegistryRequest): Promise<HttpResponse>;
  /** The Failure for an answer, `action` continuing "could not". */
  refused(answer: Answer, action: string): Error;
  /** Makes a Failure of a lost connection; anything else is returned as it is. */
  explained(error: unknown): unknown;
  close(): void;
}

/** Makes a client for one repository; no request is sent yet. */
export function registryClient(
  reference: ImageReference,
  options: ClientOptions,
  connection: Connection = openConnection(options.host.env, options.patience),
): RegistryClient {
  const { host, credentials } = options;
  const { clock, signal } = host;
  const policy = { ...usualRetries(clock), ...options.retries };
  const { registry, origin, repository } = reference;
  const scope = `repository:${repository}:${options.reading ? 'pull' : 'pull,push'}`;
  let found: RegistryLogin | undefined;
  const login = async () => {
    found = await findLogin(reference, credentials, host);
    return found;
  };
  const plain = following(connection.send);
  const exchange = retrying(async request => readBody(await plain(request)), policy);
  const auth = { registry, origin: new URL(origin).origin, scope, login, exchange, clock, signal };
  const authorized = authorizing(connection.send, auth);
  const send = following(authorized.send);
  const withSignal = (request: RegistryRequest) => ({
    ...request,
    signal: request.signal ?? signal,
  });
  const url = (path: string) => new URL(`/v2/${repository}/${path}`, origin);
  return {
    reference,
    repository: formatReference({ registry, origin, repository }),
    policy,
    blobUrl: digest => url(`blobs/${checkedDigest(digest, `A blob of ${repository}`)}`),
    manifestUrl: name => {
      if (!isDigest(name)) checkTag(name);
      return url(`manifests/${name}`);
    },
    uploadsUrl: () => url('blobs/uploads/'),
    logIn: authorized.logIn,
    send: request => send(withSignal(request)),
    exchange: retrying(
      async request => readBody(await send(withSignal(request)), request.answerLimit),
      policy,
    ),
    refused: (answer, action) =>
      refusal(answer, { reference, action, scope, withLogin: found !== undefined }),
    explained: error => (error instanceof ConnectionLost ? unreachable(error, registry) : error),
    signal,
    close: connection.close,
  };
}
