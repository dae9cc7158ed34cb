import { type HttpRequest, type HttpResponse, header, readBody, type Send } from './message.ts';

const mostRedirects = 10;
const keepsMethod = new Set([301, 302, 303, 307, 308]);

/**
 * Follows redirects, as registries send them to hand a blob out from object storage. A login goes to
 * the origin that it is meant for and to no other.
 */
export function following<Request extends HttpRequest>(send: Send<Request>): Send<Request> {
  return async request => {
    let current = request;
    for (let hops = 0; ; hops++) {
      const response = await send(current);
      const next = hops < mostRedirects ? redirected(current, response) : undefined;
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
  if (!keepsMethod.has(response.status) || location === undefined) return undefined;
  // a stream has been read already; its sender has to deal with the answer
  if (request.body !== undefined && !Buffer.isBuffer(request.body)) return undefined;
  const url = resolveLocation(location, request.url);
  if (url === undefined || url.origin === request.url.origin) return url && { ...request, url };
  const { authorization, ...headers } = request.headers ?? {};
  return { ...request, url, headers };
}

/**
 * A Location as the server means it: relative or absolute, its query kept. Where a proxy in front
 * of a registry hides TLS from it, the registry names itself with `http:`; that is put right.
 */
export function resolveLocation(location: string, base: URL): URL | undefined {
  if (!URL.canParse(location, base.href)) return undefined;
  const url = new URL(location, base);
  if (base.protocol === 'https:' && url.protocol === 'http:' && url.hostname === base.hostname) {
    url.protocol = 'https:';
    url.port = base.port;
  }
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}
