import type { Host } from '../host.ts';
import { naming } from '../wait.ts';
import type { Trust } from './certificates.ts';
import { openConnection, type Patience } from './connection.ts';
import { type Exchange, type HttpRequest, readBody, type Send } from './message.ts';
import { proxyFor } from './proxy.ts';
import { following } from './redirect.ts';
import { type RetryPolicy, retrying, usualRetries } from './retry.ts';
import { attending } from './servers.ts';

/**
 * HTTP as all of this program needs it: through the proxy and with the certificates that the
 * environment names, redirects followed, a silent peer given up. Any status is a result. Requests
 * without a signal of their own end with the host's.
 */
export interface HttpClient<Request extends HttpRequest = HttpRequest> {
  /** Sends once; the answer's body is to be read by the caller. Rejects with ConnectionLost. */
  send: Send<Request>;
  /**
   * Sends and reads the answer whole, up to `answerLimit`; again after lost connections and
   * transient answers, unless `retry` is false.
   */
  exchange: Exchange<Request>;
  /** How requests are tried again. */
  readonly policy: RetryPolicy;
  /** The same connections with a layer between them and each request, redirects among these. */
  through<More extends HttpRequest>(layer: (send: Send) => Send<More>): HttpClient<More>;
  /** Ends the connections that are kept for later requests. */
  close(): void;
}

/** What differs from user to user. */
export interface HttpOptions {
  patience?: Patience | undefined;
  retries?: Partial<RetryPolicy> | undefined;
  trust?: Partial<Trust> | undefined;
  /** True: what is being waited for is not said, as progress is told otherwise. */
  silent?: boolean;
  /** Connections that are opened along with the first one to a server; usually none. */
  ahead?: number | undefined;
}

/** Opens no connection before the first request. */
export function openHttp(host: Host, options: HttpOptions = {}): HttpClient {
  const connection = openConnection(host.env, options.patience, options.trust, options.ahead);
  const policy = { ...usualRetries(host), ...options.retries };
  const attentive = attending(connection.send, policy.servers);
  const withSignal = <Request extends HttpRequest>(request: Request): Request => ({
    ...request,
    signal: request.signal ?? host.signal,
  });
  /** All the layers over one that sends. */
  const over = <Request extends HttpRequest>(transport: Send<Request>): HttpClient<Request> => {
    const send = following(transport);
    const once: Exchange<Request> = async request =>
      readBody(await send(request), request.answerLimit);
    const exchange = retrying(once, policy);
    const named: Exchange<Request> = async request =>
      naming(nameOf(request, host), host, () => exchange(request));
    return {
      send: async request => send(withSignal(request)),
      exchange: async request => (options.silent ? exchange : named)(withSignal(request)),
      policy,
      through: layer => over(layer(attentive)),
      close: connection.close,
    };
  };
  return over(attentive);
}

/** Works with connections that are closed in the end. */
export async function withHttp<Value>(
  host: Host,
  work: (http: HttpClient) => Promise<Value>,
  options: HttpOptions = {},
): Promise<Value> {
  const http = openHttp(host, options);
  try {
    return await work(http);
  } finally {
    http.close();
  }
}

/** What is being waited for, as people know it. */
function nameOf({ url }: HttpRequest, { env }: Host): string {
  const proxy = proxyFor(url, env);
  return proxy === undefined ? url.host : `${url.host}, by the proxy ${proxy.host}`;
}
