import { limits } from '../limits.ts';
import { urlWithoutLogin } from './address.ts';
import { type HttpRequest, type HttpResponse, header, readBody, type Send } from './message.ts';

const redirects = new Set([301, 302, 303, 307, 308]);

/** Headers that say who is asking; a redirect takes them to no other server. */
const confidential = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Whether an answer sends its reader elsewhere; one that comes out of {@link following} does in vain. */
export const isRedirect = (status: number): boolean => redirects.has(status);

/**
 * Follows redirects, as registries send them to hand a blob out from object storage. A login goes to
 * the origin that it is meant for and to no other, be it in a header or in a body: a body goes nowhere
 * else unless it is said to hold no secret, and to plain HTTP not even then. An answer that leads
 * somewhere and is not followed is returned as it is.
 */
export function following<Request extends HttpRequest>(send: Send<Request>): Send<Request> {
  return async request => {
    let current = request;
    for (let hops = 0; ; hops++) {
      const response = await send(current);
      const next = hops < limits.redirects ? redirected(current, response) : undefined;
      if (!next) return response;
      await readBody(response);
      current = next;
    }
  };
}

function redirected<Request extends HttpRequest>(
  request: Request,
  response: HttpResponse,
): Request | undefined {
  const location = header(response, 'location');
  if (!isRedirect(response.status) || location === undefined) return undefined;
  // a stream has been read already; its sender has to deal with the answer
  if (request.body !== undefined && !Buffer.isBuffer(request.body)) return undefined;
  const url = resolveLocation(location, request.url);
  if (url === undefined || url.origin === request.url.origin) return url && { ...request, url };
  const mayMove = request.bodyMayMove && !isDowngrade(request.url, url);
  if (request.body !== undefined && !mayMove) return undefined;
  const headers = Object.entries(request.headers ?? {}).filter(
    ([name]) => !confidential.has(name.toLowerCase()),
  );
  return { ...request, url, headers: Object.fromEntries(headers) };
}

/**
 * Where an answer sends content that holds no secret, and that its sender can read again; undefined where
 * it does not, or to plain HTTP.
 */
export function contentTarget(answer: Pick<HttpResponse, 'status' | 'headers' | 'url'>) {
  const location = isRedirect(answer.status) ? header(answer, 'location') : undefined;
  const url = location === undefined ? undefined : resolveLocation(location, answer.url);
  return url && !isDowngrade(answer.url, url) ? url : undefined;
}

const isDowngrade = (from: URL, to: URL) => from.protocol === 'https:' && to.protocol === 'http:';

/**
 * A Location as the server means it: relative or absolute, its query kept, a login in it dropped. Where
 * a proxy in front of a registry hides TLS from it, the registry names itself with `http:`; that is put
 * right. Undefined for what is no address of HTTP.
 */
export function resolveLocation(location: string, base: URL): URL | undefined {
  if (!URL.canParse(location, base.href)) return undefined;
  const url = urlWithoutLogin(new URL(location, base));
  if (base.protocol === 'https:' && url.protocol === 'http:' && url.hostname === base.hostname) {
    url.protocol = 'https:';
    url.port = base.port;
  }
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}
