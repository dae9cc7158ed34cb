import * as v from 'valibot';
import {
  connectionLost,
  type GitHubAccess,
  openGitHub,
  restOf,
  statusOf,
} from '../host/github-api.ts';
import type { Clock } from '../host/host.ts';
import { Unreachable } from '../host/http/message.ts';
import { nearest } from '../host/nearest.ts';
import type { Listing, OfferedFile } from './index-page.ts';
import type { Origin } from './wanted/wheel.ts';
import { unreachable, type Web } from './web.ts';

export type { GitHubAccess };

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
  const octokit = await openGitHub(github, web);
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
    if (statusOf(error) !== 404) throw explained(error, github, web.policy.clock);
    const tags = await octokit.rest.repos
      .listReleases({ owner, repo, per_page: 100 })
      .then(({ data }) => v.parse(tagsSchema, data).map(release => release.tag_name))
      .catch(() => []);
    return { kind: 'absent', reason: noRelease(repository, tag, tags) };
  }
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

function explained(error: unknown, { api, token }: GitHubAccess, clock: Clock): unknown {
  const rest = restOf(error, clock);
  const status = statusOf(error);
  if (rest !== undefined) {
    const until = rest.until ? ` until ${new Date(rest.until).toISOString()}` : '';
    const more = token === undefined ? '; with GITHUB_TOKEN it answers many more' : '';
    return new Unreachable(`GitHub answers no more requests${until}${more}.`);
  }
  if (status === 401) {
    return new Unreachable('GitHub did not accept the token in GITHUB_TOKEN.');
  }
  if (status !== undefined) return new Unreachable(`GitHub answered ${status}.`);
  return unreachable(connectionLost(error), api);
}
