import type { Clock } from '../host/host.ts';
import {
  type Exchange,
  type HttpRequest,
  header,
  readBody,
  type Send,
} from '../host/http/message.ts';
import { type Challenge, chooseChallenge } from './challenge.ts';
import type { RegistryLogin } from './credentials.ts';
import { type SharedChallenge, startIntroduction } from './introduction.ts';
import type { Origin } from './origin.ts';
import { basicHeader, requestToken, type Token } from './token.ts';

/** A request to a registry. */
export interface RegistryRequest extends HttpRequest {
  /** A token scope that it needs beside the repository's own. */
  scope?: string;
}

/** What {@link authorizing} needs to know. */
export interface AuthorizingOptions {
  /** As people name it; for errors. */
  registry: string;
  /** The registry's own: no other gets an Authorization header. */
  origin: Pick<Origin, 'find' | 'ping' | 'owns' | 'directed' | 'mayBePlain'>;
  /** What the registry has asked of others in this run. */
  shared: SharedChallenge;
  /** The token scope of every request, such as "repository:o/comfyui:pull,push". */
  scope: string;
  /** Asked for once, when the registry wants a login. */
  login: () => Promise<RegistryLogin | undefined>;
  /** Talks to its token server, with retries. */
  exchange: Exchange;
  clock: Clock;
  signal?: AbortSignal | undefined;
}

/** Requests with what a registry wants to see of a login. */
export interface Authorizing {
  /** Puts that between requests and those who send them. */
  over(send: Send): Send<RegistryRequest>;
  /** Finds out what is wanted, and gets it, so that the next request need not wait for it. */
  logIn(): Promise<void>;
}

/**
 * Adds the Authorization that a registry asks for: Basic, or a token of its token server, renewed
 * before it expires and, once, when it is refused. What the registry wants is told by the answer to the
 * first request; before a stream it is asked at its root, so that no body is sent in vain. Rejects with a
 * Failure when the token server refuses.
 */
export function authorizing(options: AuthorizingOptions): Authorizing {
  const { registry, origin, shared, signal } = options;
  const introduction = startIntroduction({ registry, origin, shared, signal });
  const login = once(options.login);
  const tokenFor = tokenCache(options);

  /** The header for a request; `refused` is one that did not do. */
  const authorization = async (
    { scope }: Pick<RegistryRequest, 'scope'>,
    refused?: string,
  ): Promise<string | undefined> => {
    const wanted = await introduction.wanted();
    if (!wanted) return undefined;
    if (wanted.scheme === 'basic') return basicHeader(await login());
    const scopes = [options.scope, ...(scope === undefined ? [] : [scope])];
    return `Bearer ${await tokenFor(scopes, wanted, await login(), refused)}`;
  };
  const over =
    (send: Send): Send<RegistryRequest> =>
    async request => {
      if (!origin.owns(request.url)) return send(request);
      const opening = await introduction.introduce(request, send);
      if (opening) return opening;
      const first = await authorization(request);
      const directed = origin.directed(request);
      const response = await send(withHeader(directed, first));
      if (response.status !== 401) return response;
      const stated = chooseChallenge(header(response, 'www-authenticate'));
      if (stated) introduction.correct(stated);
      const { scope = scopeBeside(options.scope, stated) } = request;
      const second = await authorization({ ...(scope === undefined ? {} : { scope }) }, first);
      const isStream = request.body !== undefined && !Buffer.isBuffer(request.body);
      if (second === undefined || second === first || isStream) return response;
      await readBody(response);
      return send(withHeader(directed, second));
    };
  return {
    over,
    logIn: async () => {
      await authorization({});
    },
  };
}

function withHeader(request: HttpRequest, authorization: string | undefined): HttpRequest {
  if (authorization === undefined) return request;
  return { ...request, headers: { ...request.headers, authorization } };
}

/**
 * What a request is said to need on this repository beside the scope that all have: distribution wants
 * "delete" where an upload is given up.
 */
function scopeBeside(scope: string, stated: Challenge | undefined): string | undefined {
  const [, own = '', actions = ''] = /^(.*:)([^:]*)$/.exec(scope) ?? [];
  const known = actions.split(',');
  const wanted = stated?.parameters.scope?.split(' ') ?? [];
  return wanted.find(
    each =>
      each.startsWith(own) &&
      !each
        .slice(own.length)
        .split(',')
        .every(action => known.includes(action)),
  );
}

/** A value that is asked for once, unless asking failed. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  return () => {
    current ??= ask().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  };
}

/** Tokens by scope. Requests that need the same token at the same time wait for one. */
function tokenCache(options: AuthorizingOptions) {
  const { registry, origin, exchange, clock, signal } = options;
  const { mayBePlain } = origin;
  const tokens = new Map<string, Promise<Token>>();
  return async (
    scopes: readonly string[],
    challenge: Challenge,
    login: RegistryLogin | undefined,
    refused: string | undefined,
  ): Promise<string> => {
    const key = scopes.join(' ');
    const known = tokens.get(key);
    const token = await known;
    const fresh = token && token.renewAt > clock() && `Bearer ${token.value}` !== refused;
    if (fresh) return token.value;
    // another request may have renewed it meanwhile
    const current = tokens.get(key);
    if (current && current !== known) return (await current).value;
    const request = { registry, mayBePlain, challenge, scopes, login, now: clock(), signal };
    const pending = requestToken(request, exchange);
    tokens.set(key, pending);
    pending.catch(() => tokens.delete(key));
    return (await pending).value;
  };
}
