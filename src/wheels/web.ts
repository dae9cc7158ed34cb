import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Host } from '../host/host.ts';
import { openHttp } from '../host/http/client.ts';
import { fetchOver, httpAddress } from '../host/http/fetch.ts';
import {
  type Answer,
  ConnectionLost,
  type Exchange,
  type HttpResponse,
  header,
  type Send,
} from '../host/http/message.ts';
import type { RetryPolicy } from '../host/http/retry.ts';
import { explainedLoss } from '../host/http/unreachable.ts';
import { atOnce, limits, patience, retries } from '../host/limits.ts';
import { turns } from '../host/turns.ts';

/** How wheels are asked for and fetched. */
export interface Web {
  /** Reads a document whole, with retries. Rejects with {@link Unreachable}. */
  read(url: string, accept: string): Promise<Answer>;
  /** Reads a range of a file, as HTTP has them ("bytes=-1024"); a server may answer with all of it. */
  readPart(url: string, range: string): Promise<Answer>;
  /** Sends one GET; the answer's body is to be read. Rejects with ConnectionLost. */
  open(url: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse>;
  /** For libraries: the same connections behind `fetch`; a login stays with its own server. */
  fetch: typeof fetch;
  /** For downloads, which recover by themselves. */
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
  /** So far: requests that were sent, and bytes of answers. */
  readonly traffic: Readonly<{ requests: number; bytes: number }>;
  close(): void;
}

/** Opens no connection before the first request. The last parameter is for tests. */
export function openWeb(host: Host, test: Partial<RetryPolicy> = {}): Web {
  const { signal } = host;
  const traffic = { requests: 0, bytes: 0 };
  const options = { patience: patience.index, retries: { ...retries.index, ...test } };
  const http = openHttp(host, options).through(counting(traffic));
  const exchange: Exchange = request =>
    http.exchange({ ...request, answerLimit: limits.indexPage });
  const inTurn = turns(atOnce.pages);
  const get = (url: string, headers: Record<string, string>) =>
    inTurn(async () => {
      try {
        return await unpacked(await exchange({ method: 'GET', url: httpAddress(url), headers }));
      } catch (error) {
        throw unreachable(error, url);
      }
    });
  return {
    read: (url, accept) => get(url, { accept, 'accept-encoding': 'gzip' }),
    readPart: (url, range) => get(url, { range, 'accept-encoding': 'identity' }),
    open: async (url, headers) => http.send({ method: 'GET', url: httpAddress(url), headers }),
    fetch: fetchOver(exchange),
    policy: { ...http.policy, ...retries.wheel, ...test },
    signal,
    traffic,
    close: http.close,
  };
}

/** Counts requests, and bytes of their answers. */
const counting =
  (traffic: { requests: number; bytes: number }) =>
  (send: Send): Send =>
  async request => {
    traffic.requests += 1;
    const response = await send(request);
    return { ...response, body: counted(response.body, traffic) };
  };

async function* counted(body: AsyncIterable<Buffer>, traffic: { bytes: number }) {
  for await (const chunk of body) {
    traffic.bytes += chunk.length;
    yield chunk;
  }
}

async function unpacked(answer: Answer): Promise<Answer> {
  if (header(answer, 'content-encoding') !== 'gzip') return answer;
  try {
    const body = await promisify(gunzip)(answer.body, { maxOutputLength: limits.indexPage });
    return { ...answer, body };
  } catch (error) {
    throw new ConnectionLost(error);
  }
}

/** Makes an {@link Unreachable} of a lost connection; anything else is returned as it is. */
export const unreachable = (error: unknown, url: string): unknown =>
  explainedLoss(error, URL.parse(url)?.origin ?? url, 'the address');
