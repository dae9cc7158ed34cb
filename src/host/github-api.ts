import { fieldsOf } from './foreign-value.ts';
import type { Clock } from './host.ts';
import { ConnectionLost } from './http/message.ts';
import { retryAfterMs } from './http/retry.ts';
import { visible } from './visible.ts';

/** How GitHub is asked. */
export interface GitHubAccess {
  /** The API's root. */
  api: string;
  /** Sent to that server alone. */
  token: string | undefined;
}

/** GitHub's own library over connections of this program; loaded on use, and silent. */
export async function openGitHub({ api, token }: GitHubAccess, by: { fetch: typeof fetch }) {
  const { Octokit } = await import('@octokit/rest');
  const silent = () => undefined;
  return new Octokit({
    baseUrl: api,
    userAgent: 'comfy-nix',
    ...(token === undefined ? {} : { auth: token }),
    request: { fetch: by.fetch },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

/** The status of the answer that the library threw; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  const { status } = responseIn(error);
  return typeof status === 'number' ? status : undefined;
}

/** What GitHub itself says in the answer that the library threw, for people; empty where it says nothing. */
export function saidBy(error: unknown): string {
  const { message } = fieldsOf(responseIn(error).data);
  return typeof message === 'string' ? visible(message) : '';
}

/** What the library wraps, where a connection was lost; else the error itself. */
export function connectionLost(error: unknown): unknown {
  const { cause } = Object(error) as { cause?: unknown };
  return cause instanceof ConnectionLost ? cause : error;
}

/**
 * When GitHub's limits let somebody come back (ms since the epoch), by an answer that the library threw: that
 * by the hour, and the "secondary" ones for those who write much, which do not always say. Undefined where the
 * answer is of another kind.
 */
export function restOf(error: unknown, clock: Clock): { until: number | undefined } | undefined {
  const { status, headers, data } = responseIn(error);
  const { 'retry-after': after, 'x-ratelimit-remaining': remaining, ...more } = fieldsOf(headers);
  const isUsedUp = remaining === '0' || after !== undefined;
  const isSecondary = /secondary rate limit/i.test(String(fieldsOf(data).message));
  if (status !== 429 && (status !== 403 || (!isUsedUp && !isSecondary))) return undefined;
  const asked = typeof after === 'string' ? retryAfterMs(after, clock) : undefined;
  const reset = remaining === '0' ? Number(more['x-ratelimit-reset']) * 1000 : 0;
  return { until: asked === undefined ? reset || undefined : clock() + asked };
}

const responseIn = (error: unknown) => fieldsOf(fieldsOf(error).response);
