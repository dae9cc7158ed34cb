import { visible } from '../visible.ts';
import { shownAddress } from './address.ts';
import { type Answer, type Exchange, Unreachable } from './message.ts';

/**
 * `fetch` for libraries, over connections of this program: a login stays with its own server. What may
 * change something is sent once; its body is text. Rejects with ConnectionLost, or {@link Unreachable}.
 */
export function fetchOver(exchange: Exchange): typeof fetch {
  return async (input, init = {}) => {
    const url = httpAddress(input instanceof Request ? input.url : String(input));
    const headers = Object.fromEntries(new Headers(init.headers));
    const method = init.method ?? 'GET';
    const body = typeof init.body === 'string' ? { body: Buffer.from(init.body) } : {};
    const answer = await exchange({ method, url, headers, retry: method === 'GET', ...body });
    const response = responseOf(answer);
    // a response that no server has sent has no address of its own
    return Object.defineProperty(response, 'url', { value: answer.url.href });
  };
}

/** An address of HTTP, which others may have named. @throws Unreachable for anything else */
export function httpAddress(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new Unreachable(
    `"${visible(shownAddress(text))}" is no address that can be fetched from.`,
    {
      next: 'Check the address, or the index that names it; it begins with https: or http:.',
    },
  );
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
