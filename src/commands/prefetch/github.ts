import type { GitHubAccess } from '../../wheels/releases.ts';
import type { PrefetchRun } from './run.ts';

/** The token goes to the server that it is for, whatever `github-api` says. */
export function gitHubAccess({ wanted, settings, host }: PrefetchRun): GitHubAccess {
  const ownApi = host.env.GITHUB_API_URL || 'https://api.github.com';
  const isOwn = new URL(wanted.githubApi).origin === new URL(ownApi).origin;
  return { api: wanted.githubApi, token: isOwn ? settings.githubToken : undefined };
}
