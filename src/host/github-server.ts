import type { Host } from './host.ts';

/** The GitHub that a job belongs to; its token is for these two and for nobody else. */
export interface GithubServer {
  /** "github.com", "octo.ghe.com", or the name of an Enterprise Server; with its port where it has one. */
  host: string;
  /** Its registry for container images. */
  registry: string;
}

/**
 * The server of this job by GITHUB_SERVER_URL; github.com where nothing says otherwise, undefined where
 * what it says is no address, so that no token is sent anywhere. Servers of a company's own and
 * GitHub's with data residency have their registry below their own name.
 */
export function githubServer({ GITHUB_SERVER_URL: stated }: Host['env']): GithubServer | undefined {
  const host = stated ? URL.parse(stated)?.host : 'github.com';
  if (!host) return undefined;
  return { host, registry: host === 'github.com' ? 'ghcr.io' : `containers.${host}` };
}

/** The root of the API of this job's GitHub. */
export const githubApi = ({ GITHUB_API_URL: stated }: Host['env']): string =>
  stated || 'https://api.github.com';
