import { serve } from '../http-server.ts';

/** A cache as Cachix's API tells of it, and what opens it when it is private. */
export interface ServedCache {
  publicSigningKeys: string[];
  uri: string;
  /** Makes the cache private. */
  token?: string;
}

export interface CachixApiStandIn {
  /** In place of https://cachix.org/api/v1. */
  api: string;
  /** Paths that were asked for, with the header of the token. */
  requests: { path: string; authorization: string | undefined }[];
  stop(): Promise<void>;
}

/**
 * A stand-in for Cachix's API: `GET /api/v1/cache/NAME` and its documented answer, 404 where there is
 * no such cache, 401 where it is private. `broken` is answered with something else than JSON.
 */
export async function startCachixApi(
  caches: Record<string, ServedCache>,
): Promise<CachixApiStandIn> {
  const requests: CachixApiStandIn['requests'] = [];
  const { url, stop } = await serve((request, response) => {
    const { authorization } = request.headers;
    requests.push({ path: request.url ?? '', authorization });
    const name = /^\/api\/v1\/cache\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? '';
    if (name === 'broken') return response.end('<html>maintenance</html>');
    const cache = caches[name];
    if (!cache) return response.writeHead(404).end('{"error":"Binary cache not found"}');
    if (cache.token !== undefined && authorization !== `Bearer ${cache.token}`) {
      return response.writeHead(401).end('{"error":"Unauthorized"}');
    }
    const { publicSigningKeys, uri, token } = cache;
    return response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        githubUsername: '',
        isPublic: token === undefined,
        name,
        permission: 'Read',
        preferredCompressionMethod: 'ZSTD',
        publicSigningKeys,
        uri,
      }),
    );
  });
  return { api: `${url}/api/v1`, requests, stop };
}
