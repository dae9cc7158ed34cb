import { ConnectionLost } from '../host/http/message.ts';
import { nearest } from '../nix/nearest.ts';
import type { OfferedFile } from './index-page.ts';
import type { GitHubAccess, Listing } from './listings.ts';
import type { Origin } from './wanted.ts';
import { Unreachable, unreachable, type Web } from './web.ts';

type Release = Extract<Origin, { kind: 'release' }>;

/** The part of an asset that is read; `digest` is there since June 2025, for newer uploads. */
interface Asset {
  name: string;
  browser_download_url: string;
  size: number;
  digest?: string | null;
}

/**
 * The assets of a GitHub release, with their digests where GitHub knows them.
 * Rejects with {@link Unreachable} where GitHub gives no answer, or no more answers for now.
 */
export async function listRelease(
  { repository, tag }: Release,
  web: Web,
  github: GitHubAccess,
): Promise<Listing> {
  const octokit = await open(web, github);
  const [owner = '', repo = ''] = repository.split('/');
  try {
    const { data } = await (tag === undefined
      ? octokit.rest.repos.getLatestRelease({ owner, repo })
      : octokit.rest.repos.getReleaseByTag({ owner, repo, tag }));
    // a login page or a proxy may answer with anything
    if (!Array.isArray(data.assets)) throw new Unreachable(`${github.api} gave no release.`);
    const source = `github:${repository}@${data.tag_name}`;
    return { kind: 'files', files: data.assets.map(offered), source };
  } catch (error) {
    web.signal?.throwIfAborted();
    if (statusOf(error) !== 404) throw explained(error, github);
    const tags = await octokit.rest.repos
      .listReleases({ owner, repo, per_page: 100 })
      .then(({ data }) => data.map(release => release.tag_name))
      .catch(() => []);
    return { kind: 'absent', reason: noRelease(repository, tag, tags) };
  }
}

async function open(web: Web, { api, token }: GitHubAccess) {
  const { Octokit } = await import('@octokit/rest');
  const silent = () => undefined;
  return new Octokit({
    baseUrl: api,
    userAgent: 'comfy-nix',
    ...(token === undefined ? {} : { auth: token }),
    request: { fetch: web.fetch },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

function offered({ name, browser_download_url, size, digest }: Asset): OfferedFile {
  const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(digest ?? '') ?? [];
  return { filename: name, url: browser_download_url, size, sha256 };
}

function noRelease(repository: string, tag: string | undefined, tags: readonly string[]): string {
  if (tag === undefined || tags.length === 0) {
    return `GitHub shows no release of ${repository}: it has none, is private, or is not there.`;
  }
  return `${repository} has no release ${tag}; the nearest is ${nearest(tag, tags)}.`;
}

/** GitHub's two limits (by hour, and "secondary") both tell when to come back. */
function explained(error: unknown, { api, token }: GitHubAccess): unknown {
  const headers = headersOf(error);
  const status = statusOf(error);
  const usedUp = headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined;
  const limited = status === 429 || (status === 403 && usedUp);
  if (limited) {
    const reset = Number(headers['x-ratelimit-reset']);
    const until = reset > 0 ? ` until ${new Date(reset * 1000).toISOString()}` : '';
    const more = token === undefined ? '; with GITHUB_TOKEN it answers many more' : '';
    return new Unreachable(`GitHub answers no more requests${until}${more}.`);
  }
  if (status === 401) {
    return new Unreachable('GitHub did not accept the token in GITHUB_TOKEN.');
  }
  if (status !== undefined) return new Unreachable(`GitHub answered ${status}.`);
  return unreachable(connectionLost(error), api);
}

function statusOf(error: unknown): number | undefined {
  const { response } = Object(error) as { response?: { status?: unknown } };
  return typeof response?.status === 'number' ? response.status : undefined;
}

function headersOf(error: unknown): Record<string, string | undefined> {
  const { response } = Object(error) as {
    response?: { headers?: Record<string, string | undefined> };
  };
  return response?.headers ?? {};
}

/** octokit wraps what `fetch` threw. */
function connectionLost(error: unknown): unknown {
  const { cause } = Object(error) as { cause?: unknown };
  return cause instanceof ConnectionLost ? cause : error;
}
