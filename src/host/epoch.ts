import type { Host } from './host.ts';

/**
 * SOURCE_DATE_EPOCH (reproducible-builds.org), seconds since 1970: what "now" is in whatever is made;
 * undefined where it is not set, or no whole number.
 */
export function sourceDateEpoch(env: Host['env']): number | undefined {
  const text = env.SOURCE_DATE_EPOCH ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
