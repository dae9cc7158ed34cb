import * as v from 'valibot';
import type { Host } from '../host/host.ts';
import { withHttp } from '../host/http/client.ts';
import { patience } from '../host/limits.ts';
import { eitherSignal } from '../host/signals.ts';

/** Where Cachix answers questions about caches. */
export const cachixApi = 'https://cachix.org/api/v1';

/** What Cachix says of a cache, as far as pulling needs it (cachix-api's `BinaryCache` type). */
export interface CachixCache {
  name: string;
  isPublic: boolean;
  publicSigningKeys: readonly string[];
  /** The substituter's address. */
  uri: string;
}

/** All of it goes into lines of nix.conf: one word each, of letters that mean nothing there. */
const cacheSchema = v.object({
  name: v.pipe(v.string(), v.regex(/^[\w-]+$/)),
  isPublic: v.boolean(),
  publicSigningKeys: v.pipe(
    v.array(v.pipe(v.string(), v.regex(/^[\w.+-]+:[A-Za-z0-9+/]{1,200}={0,2}$/))),
    v.minLength(1),
  ),
  uri: v.pipe(v.string(), v.regex(/^https?:\/\/[\w.:[\]/~-]+$/), v.url()),
});

/**
 * Asks Cachix for a cache. The token is for private caches. Resolves with the reason when there is no
 * usable answer; rejects only with the reason of the host's signal.
 */
export async function askCachix(
  name: string,
  token: string | undefined,
  host: Host,
  api: string,
): Promise<CachixCache | { reason: string }> {
  const limit = AbortSignal.timeout(patience.cacheAnswer);
  const request = {
    method: 'GET',
    url: new URL(`${api}/cache/${encodeURIComponent(name)}`),
    headers: {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    retry: false,
    signal: eitherSignal(host.signal, limit),
  };
  try {
    const { status, body } = await withHttp(host, http => http.exchange(request));
    if (status !== 200) return { reason: refusal(status, token !== undefined) };
    return readCache(body.toString());
  } catch (error) {
    host.signal?.throwIfAborted();
    return {
      reason: limit.aborted ? `no answer in ${patience.cacheAnswer / 1000} s` : unreached(error),
    };
  }
}

/** The cache that Cachix's answer describes, or why it describes none. */
export function readCache(answer: string): CachixCache | { reason: string } {
  try {
    const parsed = v.safeParse(cacheSchema, JSON.parse(answer));
    return parsed.success ? parsed.output : { reason: 'its answer is not understood' };
  } catch {
    return { reason: 'its answer is no JSON' };
  }
}

function refusal(status: number, hasToken: boolean): string {
  if (status === 404 || status === 401 || status === 403) {
    const token = hasToken ? 'the token is not for it' : 'it is private and needs a token';
    return `there is no cache of that name, or ${token} (HTTP status ${status})`;
  }
  return `HTTP status ${status}`;
}

const unreached = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
