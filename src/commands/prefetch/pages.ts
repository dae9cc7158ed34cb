import { askAll, type Listings, type Want } from '../../wheels/listings.ts';
import type { GitHubAccess } from '../../wheels/releases.ts';
import type { PrefetchRun } from './run.ts';

/** Asks for the pages of what is wanted; each is asked for once in a run. */
export const askPages = (wants: readonly Want[], run: PrefetchRun): Promise<Listings> =>
  askAll(wants, run.web, gitHubAccess(run), run.host, run.pages);

/** The token goes to the server that it is for, whatever `github-api` says. */
function gitHubAccess({ wanted, settings, host }: PrefetchRun): GitHubAccess {
  const ownApi = host.env.GITHUB_API_URL || 'https://api.github.com';
  const isOwn = new URL(wanted.githubApi).origin === new URL(ownApi).origin;
  return { api: wanted.githubApi, token: isOwn ? settings.githubToken : undefined };
}
