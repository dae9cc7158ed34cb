import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { shownAddress } from '../host/http/address.ts';
import { openConnection, type Patience } from '../host/http/connection.ts';
import {
  type Answer,
  AnswerTooLong,
  ConnectionLost,
  type Exchange,
  type HttpRequest,
  type HttpResponse,
  header,
  readBody,
} from '../host/http/message.ts';
import { following } from '../host/http/redirect.ts';
import { type RetryPolicy, retrying, usualRetries } from '../host/http/retry.ts';
import { visible } from '../host/visible.ts';

/** A few seconds for a machine that does not answer at all, tries included. */
const patience: Patience = { connect: 3000, stall: 30_000, answer: 5000 };
const delays: Partial<RetryPolicy> = { baseDelay: 300, maxDelay: 1000 };
const triesForDocument = 2;
/** A download has more to lose; what arrives starts the count anew. */
const triesForDownload = 5;

/** The longest document that is read whole, in bytes, packed or not; large indexes have 10 MB. */
const largestDocument = 32 * 2 ** 20;

/** How wheels are asked for and fetched. */
export interface Web {
  /** Reads a document whole, with retries. Rejects with {@link Unreachable}. */
  read(url: string, accept: string): Promise<Answer>;
  /** Sends one GET; the answer's body is to be read. Rejects with ConnectionLost. */
  open(url: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse>;
  /** For libraries: the same connections behind `fetch`; a login stays with its own server. */
  fetch: typeof fetch;
  /** For downloads, which recover by themselves. */
  readonly retries: RetryPolicy;
  readonly signal: AbortSignal | undefined;
  /** So far: requests that were sent, and bytes of answers. */
  readonly traffic: Readonly<{ requests: number; bytes: number }>;
  close(): void;
}

/** A server that cannot be reached, or does not do its work. What is known of it stays usable. */
export class Unreachable extends Failure {}

/** Opens connections as the registry client does: proxies and authorities of the environment. */
export function openWeb(host: Host, retriesOfTest: Partial<RetryPolicy> = {}): Web {
  const connection = openConnection(host.env, patience);
  const policy = {
    ...usualRetries(host.clock),
    ...delays,
    attempts: triesForDocument,
    ...retriesOfTest,
  };
  const { signal } = host;
  const traffic = { requests: 0, bytes: 0 };
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    traffic.requests += 1;
    const response = await connection.send(request);
    return { ...response, body: counted(response.body, traffic) };
  };
  const plain = following(send);
  const exchange = retrying(
    async request => readBody(await plain(request), largestDocument),
    policy,
  );
  return {
    read: async (url, accept) => {
      const headers = { accept, 'accept-encoding': 'gzip' };
      try {
        const answer = await exchange({ method: 'GET', url: addressOf(url), headers, signal });
        return await unpacked(answer);
      } catch (error) {
        throw unreachable(error, url);
      }
    },
    open: async (url, headers) => plain({ method: 'GET', url: addressOf(url), headers, signal }),
    fetch: fetchBy(exchange, signal),
    retries: { ...policy, attempts: triesForDownload },
    signal,
    traffic,
    close: connection.close,
  };
}

/** An address of HTTP, which an index may have named. */
function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new Unreachable(
    `"${visible(shownAddress(text))}" is no address that can be fetched from.`,
    {
      next: 'Check the address, or the index that names it; it begins with https: or http:.',
    },
  );
}

async function* counted(body: AsyncIterable<Buffer>, traffic: { bytes: number }) {
  for await (const chunk of body) {
    traffic.bytes += chunk.length;
    yield chunk;
  }
}

async function unpacked(answer: Answer): Promise<Answer> {
  if (header(answer, 'content-encoding') !== 'gzip') return answer;
  try {
    const body = await promisify(gunzip)(answer.body, { maxOutputLength: largestDocument });
    return { ...answer, body };
  } catch (error) {
    throw new ConnectionLost(error);
  }
}

/** A failure for a lost connection or an endless answer; anything else is returned as it is. */
export function unreachable(error: unknown, url: string): unknown {
  if (error instanceof AnswerTooLong) return new Unreachable(error.message, error.details);
  if (!(error instanceof ConnectionLost)) return error;
  const { origin } = new URL(url);
  return new Unreachable(`${origin} cannot be reached: ${error.message}.`, {
    next: error.untrusted
      ? 'Name a file with the certificate authority that signed it in SSL_CERT_FILE.'
      : 'Check the address, the network, and HTTPS_PROXY and NO_PROXY.',
    cause: error,
  });
}

function fetchBy(exchange: Exchange, signal: AbortSignal | undefined): typeof fetch {
  return async (input, init = {}) => {
    const url = addressOf(input instanceof Request ? input.url : String(input));
    const headers = Object.fromEntries(new Headers(init.headers));
    const answer = await exchange({ method: init.method ?? 'GET', url, headers, signal });
    const response = responseOf(answer);
    // a response that no server has sent has no address of its own
    return Object.defineProperty(response, 'url', { value: answer.url.href });
  };
}

/** Statuses whose answers have no body, as the Fetch standard has it. */
const bodiless = new Set([204, 205, 304]);

function responseOf({ status, headers, body, url }: Answer): Response {
  if (status < 200 || status > 599) {
    throw new Unreachable(`${url.origin} answered with the status ${status}, which HTTP has not.`);
  }
  return new Response(bodiless.has(status) ? null : new Uint8Array(body), {
    status,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
  });
}
