import type { IncomingHttpHeaders } from 'node:http';
import { bodyOf, serve } from './http-server.ts';
import { sha256 } from './package-index.ts';

/** A comment, as the API tells it, and what it belongs to. */
interface Comment {
  id: number;
  /** "owner/name#1". */
  issue: string;
  body: string;
  user: { login: string };
}

export interface GitHubApi {
  /** The API's root, which is also at `/api/v3` as of a company's own server; assets lie below `url/download/`. */
  url: string;
  /** Whether assets have a `digest`, as newer uploads do. */
  digests: boolean;
  /** Answered in place of anything else. */
  limit: { status: number; headers: Record<string, string> } | undefined;
  requests: { method: string; path: string; headers: IncomingHttpHeaders }[];
  /** Comments on issues and pull requests, the oldest first. */
  comments: Comment[];
  /** Whom tokens write as; undefined: it is not told. */
  viewer: string | undefined;
  /** Whether tokens may write comments. */
  mayComment: boolean;
  /** Answers to the next writes, in place of what they would do, unless `done`: then it is done all the same. */
  writeFaults: { status: number; headers?: Record<string, string>; message: string; done?: true }[];
  /** Awaited when a request has come, and before its answer goes: what others do meanwhile. */
  meanwhile(at: 'arrival' | 'return', method: string): Promise<void>;
  release(
    repository: string,
    tag: string,
    assets: readonly { name: string; bytes: Buffer }[],
  ): void;
  stop(): Promise<void>;
}

/** The part of GitHub's API that tells releases and their assets, and has comments. */
export async function startGitHubApi(): Promise<GitHubApi> {
  const releases = new Map<string, Map<string, { name: string; bytes: Buffer }[]>>();
  const { url, stop } = await serve(async (request, response) => {
    const { url: given = '/', method = 'GET' } = request;
    api.requests.push({ method, path: given, headers: request.headers });
    const path = given.replace(/^\/api(?:\/v3)?(?=\/)/, '');
    const body = await bodyOf(request);
    await api.meanwhile('arrival', method);
    const answered = answerOfComments(api, {
      ...{ method, path, given, headers: request.headers, body },
    });
    await api.meanwhile('return', method);
    if (api.limit === undefined && answered !== undefined) {
      const { status, value, headers = {} } = answered;
      const type = { 'content-type': 'application/json; charset=utf-8' };
      response.writeHead(status, { ...type, ...headers });
      response.end(value === undefined ? undefined : JSON.stringify(value));
      return;
    }
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
    comments: [],
    viewer: 'github-actions[bot]',
    mayComment: true,
    writeFaults: [],
    meanwhile: async () => undefined,
    release(repository, tag, assets) {
      const tags = releases.get(repository) ?? new Map();
      releases.set(repository, tags.set(tag, [...assets]));
    },
    stop: async () => undefined,
  };
  return Object.assign(api, { url, stop });
}

interface Asked {
  method: string;
  path: string;
  /** The same with what a server of a company's own has before it. */
  given: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Answered {
  status: number;
  value?: unknown;
  headers?: Record<string, string>;
}

/** What the API says and does to comments; undefined for requests that are about something else. */
function answerOfComments(api: GitHubApi, asked: Asked): Answered | undefined {
  const { method, path, given, headers } = asked;
  if (path === '/graphql') return answerOfViewer(api);
  const [, repository = '', issue, id, query] =
    /^\/repos\/([^/]+\/[^/]+)\/issues\/(?:(\d+)\/comments|comments\/(\d+))(\?.*)?$/.exec(path) ??
    [];
  if (issue === undefined && id === undefined) return undefined;
  const of = `${repository}#${issue}`;
  if (method === 'GET') return pageOf(api, of, given, new URLSearchParams(query));
  if (!headers.authorization) return { status: 401, value: { message: 'Requires authentication' } };
  if (!api.mayComment) {
    return { status: 403, value: { message: 'Resource not accessible by integration' } };
  }
  const fault = api.writeFaults.shift();
  const done = fault === undefined || fault.done ? write(api, asked, of, Number(id)) : undefined;
  if (fault === undefined) return done;
  const { status, message } = fault;
  return { status, value: { message }, ...(fault.headers ? { headers: fault.headers } : {}) };
}

function answerOfViewer({ viewer }: GitHubApi): Answered {
  const refused = { status: 403, value: { message: 'Resource not accessible' } };
  return viewer === undefined
    ? refused
    : { status: 200, value: { data: { viewer: { login: viewer } } } };
}

function pageOf(api: GitHubApi, issue: string, path: string, query: URLSearchParams): Answered {
  const [size, page] = [Number(query.get('per_page') ?? 30), Number(query.get('page') ?? 1)];
  const all = api.comments.filter(comment => comment.issue === issue);
  const value = all.slice((page - 1) * size, page * size);
  if (page * size >= all.length) return { status: 200, value };
  const next = new URL(path, api.url);
  next.searchParams.set('page', String(page + 1));
  return { status: 200, value, headers: { link: `<${next}>; rel="next"` } };
}

function write(api: GitHubApi, { method, body }: Asked, issue: string, id: number): Answered {
  const text = String((JSON.parse(body.toString() || '{}') as { body?: string }).body);
  if (text.length > 65_536) return { status: 422, value: { message: 'Validation Failed' } };
  const at = api.comments.findIndex(comment => comment.id === id);
  if (method === 'POST') {
    const next = Math.max(0, ...api.comments.map(comment => comment.id)) + 1;
    const login = api.viewer ?? 'github-actions[bot]';
    const made = { id: next, issue, body: text, user: { login } };
    api.comments.push(made);
    return { status: 201, value: made };
  }
  const found = api.comments[at];
  if (found === undefined) return { status: 404, value: { message: 'Not Found' } };
  if (method === 'DELETE') {
    api.comments.splice(at, 1);
    return { status: 204 };
  }
  found.body = text;
  return { status: 200, value: found };
}
