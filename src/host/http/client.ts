import type { Host } from '../host.ts';
import { naming } from '../wait.ts';
import { openConnection, type Patience } from './connection.ts';
import { type Exchange, type HttpRequest, readBody, type Send } from './message.ts';
import { proxyFor } from './proxy.ts';
import { following } from './redirect.ts';
import { type RetryPolicy, retrying, usualRetries } from './retry.ts';

/**
 * HTTP as most of this program needs it: through the proxy and with the certificates that the
 * environment names, redirects followed, a silent peer given up. Any status is a result. Requests
 * without a signal of their own end with the host's.
 */
export interface HttpClient {
  /** Sends once; the answer's body is to be read by the caller. Rejects with ConnectionLost. */
  send: Send;
  /**
   * Sends and reads the answer whole, up to `answerLimit`; again after lost connections and
   * transient answers, unless `retry` is false.
   */
  exchange: Exchange;
  /** Ends the connections that are kept for later requests. */
  close(): void;
}

/** What is being waited for, as people know it. */
function nameOf({ url }: HttpRequest, { env }: Host): string {
  const proxy = proxyFor(url, env);
  return proxy === undefined ? url.host : `${url.host}, by the proxy ${proxy.host}`;
}

/** Opens no connection before the first request. The last parameter is for tests. */
export function openHttp(
  host: Host,
  { patience, retries }: { patience?: Patience; retries?: Partial<RetryPolicy> } = {},
): HttpClient {
  const connection = openConnection(host.env, patience);
  const send = following(connection.send);
  const exchange = retrying(async request => readBody(await send(request), request.answerLimit), {
    ...usualRetries(host.clock),
    ...retries,
  });
  const withSignal = (request: HttpRequest) => ({
    ...request,
    signal: request.signal ?? host.signal,
  });
  return {
    send: async request => send(withSignal(request)),
    exchange: async request =>
      naming(nameOf(request, host), host, () => exchange(withSignal(request))),
    close: connection.close,
  };
}
