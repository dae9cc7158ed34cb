import type { IncomingHttpHeaders } from 'node:http';
import { serve } from './http-server.ts';
import { sha256 } from './package-index.ts';

export interface GitHubApi {
  /** The API's root; assets lie below `url/download/`. */
  url: string;
  /** Whether assets have a `digest`, as newer uploads do. */
  digests: boolean;
  /** Answered in place of anything else. */
  limit: { status: number; headers: Record<string, string> } | undefined;
  requests: { path: string; headers: IncomingHttpHeaders }[];
  release(
    repository: string,
    tag: string,
    assets: readonly { name: string; bytes: Buffer }[],
  ): void;
  stop(): Promise<void>;
}

/** The part of GitHub's REST API that tells releases, and their assets. */
export async function startGitHubApi(): Promise<GitHubApi> {
  const releases = new Map<string, Map<string, { name: string; bytes: Buffer }[]>>();
  const { url, stop } = await serve((request, response) => {
    const path = request.url ?? '/';
    api.requests.push({ path, headers: request.headers });
    const json = (status: number, value: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
        .end(JSON.stringify(value));
    if (path.startsWith('/download/')) {
      const [owner, name, tag = '', file = ''] = path.slice('/download/'.length).split('/');
      const assets = releases.get(`${owner}/${name}`)?.get(decodeURIComponent(tag));
      const asset = assets?.find(each => each.name === decodeURIComponent(file));
      response.writeHead(asset === undefined ? 404 : 200).end(asset?.bytes);
      return;
    }
    if (api.limit !== undefined) {
      response.writeHead(api.limit.status, api.limit.headers).end('{"message":"rate limit"}');
      return;
    }
    const [, repository = '', what = ''] =
      /^\/repos\/([^/]+\/[^/]+)\/releases(.*)$/.exec(path) ?? [];
    const tags = releases.get(repository) ?? new Map();
    if (what.startsWith('?'))
      return json(
        200,
        [...tags.keys()].map(tag_name => ({ tag_name })),
      );
    const tag = what === '/latest' ? [...tags.keys()].at(-1) : what.slice('/tags/'.length);
    const assets = tags.get(decodeURIComponent(tag ?? ''));
    if (assets === undefined) return json(404, { message: 'Not Found' });
    return json(200, { tag_name: tag, assets: assets.map(asset(repository, tag ?? '')) });
  });
  const asset = (repository: string, tag: string) => (each: { name: string; bytes: Buffer }) => ({
    name: each.name,
    size: each.bytes.length,
    digest: api.digests ? `sha256:${sha256(each.bytes)}` : null,
    browser_download_url: `${api.url}/download/${repository}/${tag}/${encodeURIComponent(each.name)}`,
  });
  const api: GitHubApi = {
    url: '',
    digests: true,
    limit: undefined,
    requests: [],
    release(repository, tag, assets) {
      const tags = releases.get(repository) ?? new Map();
      releases.set(repository, tags.set(tag, [...assets]));
    },
    stop: async () => undefined,
  };
  return Object.assign(api, { url, stop });
}
