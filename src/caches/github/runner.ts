import type { Host } from '../../host/host.ts';

/** Whether the runner offers a cache to this process: to actions only, not to `run:` steps. */
export function hasGithubCache(env: Host['env']): boolean {
  const address = env.ACTIONS_CACHE_SERVICE_V2 ? env.ACTIONS_RESULTS_URL : env.ACTIONS_CACHE_URL;
  return Boolean(address && env.ACTIONS_RUNTIME_TOKEN);
}
