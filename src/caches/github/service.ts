import type { Host } from '../../host/host.ts';
import { patience } from '../../host/limits.ts';
import { overhear } from '../../host/overhear.ts';
import { warn } from '../../host/say.ts';
import { eitherSignal } from '../../host/signals.ts';
import { untilAborted, within } from '../../host/wait.ts';

/** GitHub's cache as this program uses it. Nothing of it ever rejects, but for an interrupt. */
export interface CacheService {
  /** Unpacks the entry `key`, else the newest whose key begins with a prefix; gives its key. */
  restore(
    paths: readonly string[],
    key: string,
    prefixes: readonly string[],
  ): Promise<string | undefined>;
  /** Packs the paths. `present`: another job has saved that key, and entries never change. */
  save(paths: readonly string[], key: string): Promise<'saved' | 'present' | 'failed'>;
}

/**
 * The service by `@actions/cache`, which is loaded on use and reads the process's environment. The
 * first failure is one warning, and the service is not asked again: a rate limit concerns all.
 */
export function cacheService(host: Host): CacheService {
  let probing: Promise<string | undefined> | undefined;
  let down = false;
  const giveUp = (reason: string) => {
    if (down) return;
    down = true;
    const message = `GitHub's cache is not used any more in this run: ${reason}.`;
    warn(host, message);
  };
  const isUsable = async () => {
    probing ??= unreachableReason(host);
    const reason = await probing;
    if (reason !== undefined) giveUp(reason);
    return !down;
  };
  return {
    async restore(paths, key, prefixes) {
      if (!(await isUsable())) return undefined;
      const { restoreCache } = await import('@actions/cache');
      const options = { segmentTimeoutInMs: patience.cacheSegment };
      const work = () => restoreCache([...paths], key, [...prefixes], options);
      const { value, problem } = await attempt('give an entry', work, host);
      if (problem !== undefined) giveUp(problem);
      return value;
    },
    async save(paths, key) {
      if (!(await isUsable())) return 'failed';
      const { saveCache } = await import('@actions/cache');
      const save = () => saveCache([...paths], key);
      const { value = -1, problem } = await attempt('take an entry', save, host);
      if (value >= 0) return 'saved';
      if (problem !== undefined && isTaken(problem)) return 'present';
      giveUp(problem ?? 'nothing was saved, and no reason was given');
      return 'failed';
    },
  };
}

/** Somebody has saved the key already: HTTP status 409, Twirp's `already_exists`. */
const isTaken = (problem: string) => /\(409\)|already exists/.test(problem);

/** Runs a call of the library; a problem is what it threw, or what it printed instead of throwing. */
async function attempt<T>(
  what: string,
  call: () => Promise<T>,
  host: Host,
): Promise<{ value?: T; problem?: string }> {
  try {
    const limit = { what: `GitHub's cache to ${what}`, ms: patience.githubCache };
    const { value, lines } = await within(limit, host, signal =>
      untilAborted(overhear(call), signal),
    );
    const problem = problemIn(lines);
    return { value, ...(problem === undefined ? {} : { problem }) };
  } catch (error) {
    host.signal?.throwIfAborted();
    return { problem: withoutQueries(error instanceof Error ? error.message : String(error)) };
  }
}

/**
 * The reason among the workflow commands that the library printed. Why a key could not be reserved
 * is in a debug line alone; the line that people see says "another job may be creating this cache",
 * for a rate limit and a full quota as well.
 */
export function problemIn(lines: readonly string[]): string | undefined {
  const reserving = /^::debug::Failed to reserve cache: (?:Error: )?(.*)$/;
  const told = /^::(?:warning|error)(?: [^:]*)?::(?:Failed to (?:save|restore): )?(.*)$/;
  for (const pattern of [reserving, told]) {
    const found = lines.map(line => pattern.exec(line)?.[1]).findLast(text => text !== undefined);
    if (found !== undefined) return withoutQueries(unescaped(found)).split('\n')[0];
  }
  return undefined;
}

/** Undoes what `@actions/core` does to the data of a workflow command. */
const unescaped = (data: string) =>
  data.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');

/** Addresses of the storage are signed in their query. */
const withoutQueries = (text: string) => text.replaceAll(/(https?:\/\/[^\s?]+)\?\S+/g, '$1');

/** The library has retries of its own, many minutes long where nobody answers at all. */
async function unreachableReason(host: Host): Promise<string | undefined> {
  const { env, signal } = host;
  const address = env.ACTIONS_RESULTS_URL || env.ACTIONS_CACHE_URL;
  if (!address) return 'the runner gives no address of it';
  const { withHttp } = await import('../../host/http/client.ts');
  const limit = AbortSignal.timeout(patience.cacheAnswer);
  const ending = eitherSignal(signal, limit);
  try {
    const url = new URL(address);
    await withHttp(host, http => http.send({ method: 'HEAD', url, signal: ending }));
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) return `it did not answer in ${patience.cacheAnswer / 1000} s`;
    return `it cannot be reached (${error instanceof Error ? error.message : String(error)})`;
  }
}
