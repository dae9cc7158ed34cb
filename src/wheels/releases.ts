import * as v from 'valibot';
import { ConnectionLost, Unreachable } from '../host/http/message.ts';
import { nearest } from '../host/nearest.ts';
import type { Listing, OfferedFile } from './index-page.ts';
import type { Origin } from './wanted/wheel.ts';
import { unreachable, type Web } from './web.ts';

/** How GitHub is asked. */
export interface GitHubAccess {
  /** The API's root. */
  api: string;
  /** Sent to that server alone. */
  token: string | undefined;
}

type Release = Extract<Origin, { kind: 'release' }>;

const address = v.pipe(v.string(), v.url(), v.regex(/^https?:/));
/** The part of an asset that is read; `digest` is there since June 2025, for newer uploads. */
const assetSchema = v.object({
  name: v.string(),
  browser_download_url: address,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  digest: v.nullish(v.string()),
});
const releaseSchema = v.object({ tag_name: v.string(), assets: v.array(assetSchema) });
const tagsSchema = v.array(v.object({ tag_name: v.string() }));

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
    const release = readRelease(data);
    if (release === undefined) throw new Unreachable(`${github.api} gave no release.`);
    return { kind: 'files', files: release.files, source: `github:${repository}@${release.tag}` };
  } catch (error) {
    web.signal?.throwIfAborted();
    if (statusOf(error) !== 404) throw explained(error, github);
    const tags = await octokit.rest.repos
      .listReleases({ owner, repo, per_page: 100 })
      .then(({ data }) => v.parse(tagsSchema, data).map(release => release.tag_name))
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

/** The release in an answer; undefined for others: a login page or a proxy may answer with anything. */
export function readRelease(answer: unknown): { tag: string; files: OfferedFile[] } | undefined {
  const { success, output } = v.safeParse(releaseSchema, answer);
  return success ? { tag: output.tag_name, files: output.assets.map(offered) } : undefined;
}

function offered(asset: v.InferOutput<typeof assetSchema>): OfferedFile {
  const { name, browser_download_url, size, digest } = asset;
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
    const reset = new Date(Number(headers['x-ratelimit-reset']) * 1000);
    const until = reset.getTime() > 0 ? ` until ${reset.toISOString()}` : '';
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
