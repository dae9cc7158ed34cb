import type { Host } from '../host/host.ts';
import { patience, retries } from '../host/limits.ts';
import { warn } from '../host/say.ts';
import type { Nix } from '../nix/types.ts';
import { askCachix, cachixApi } from './cachix-api.ts';
import { type CachixPushOptions, startCachixDaemon } from './cachix-daemon.ts';
import { netrcEntry } from './netrc.ts';
import { notPushed, startPushQueue } from './push-queue.ts';
import type { LeftOutCache, PushFailure, PushReport, PushTarget, Substituter } from './types.ts';

/** What Nix needs in order to pull from caches on Cachix. */
export interface CachixPull {
  substituters: Substituter[];
  /** Lines of a netrc file (mode 0600), one for each private cache. */
  netrc: string[];
  leftOut: LeftOutCache[];
}

/**
 * Addresses and public keys of caches on Cachix, by its API, all asked at the same time. A cache that
 * cannot be used is left out.
 *
 * @param token for private caches; it is sent to `api` alone
 */
export async function cachixSubstituters(
  names: readonly string[],
  token: string | undefined,
  host: Host,
  api: string = cachixApi,
): Promise<CachixPull> {
  const answers = await Promise.all(
    [...new Set(names)].map(async name => ({
      name,
      cache: await askCachix(name, token, host, api),
    })),
  );
  const pull: CachixPull = { substituters: [], netrc: [], leftOut: [] };
  for (const { name, cache } of answers) {
    if ('reason' in cache) {
      pull.leftOut.push({ cache: `${name}.cachix.org`, reason: cache.reason });
      continue;
    }
    pull.substituters.push({ url: cache.uri, publicKeys: cache.publicSigningKeys });
    if (cache.isPublic || token === undefined) continue;
    // without a login, as Cachix documents it
    pull.netrc.push(netrcEntry(new URL(cache.uri).hostname, token));
  }
  return pull;
}

const batchSize = 100;

/**
 * Pushes to a cache on Cachix by its program's daemon, which starts now, beside the build. Resolves
 * at once: a daemon that does not start shows in the report.
 *
 * @param options.filter paths that it matches are not pushed (as cachix-action's `pushFilter`)
 * @param privateDirectory of this run, for the daemon's socket
 * @param silence milliseconds for which the daemon may say nothing at the end, before it is given up
 */
export async function startCachixPush(
  nix: Nix,
  options: CachixPushOptions & { filter?: RegExp | undefined },
  host: Host,
  privateDirectory: string,
  silence: number = patience.cachixUpload,
): Promise<PushTarget> {
  const { name, filter } = options;
  const starting = startCachixDaemon(nix, options, host, privateDirectory, silence).catch(
    (error: unknown) => ({ reason: error instanceof Error ? error.message : String(error) }),
  );
  const send = async (paths: readonly string[]) => {
    const daemon = await starting;
    if ('reason' in daemon) return { reason: daemon.reason, hopeless: true };
    return daemon.push(paths);
  };
  const queue = startPushQueue({ name, send, batchSize, retryPauses: retries.cachix }, host);
  const taken = new Set<string>();
  return {
    name,
    push: outPath => {
      if (filter && outPath.search(filter) >= 0) return;
      taken.add(outPath);
      queue.push(outPath);
    },
    finish: async () => {
      const handedOver = await queue.finish();
      const refused = new Set(handedOver.failed.map(({ path }) => path));
      const failed = await uploadFailures(await starting, [...taken.difference(refused)], host);
      if (!host.signal?.aborted) for (const each of failed) warn(host, notPushed(name, each));
      return withFailures(handedOver, failed, taken);
    },
  };
}

/** What the daemon could not upload of the paths that it took. */
async function uploadFailures(
  daemon: Awaited<ReturnType<typeof startCachixDaemon>>,
  paths: readonly string[],
  host: Host,
): Promise<PushFailure[]> {
  if ('reason' in daemon) return [];
  try {
    return await daemon.finish(paths);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const reason = host.signal?.aborted ? 'the run was interrupted' : said;
    return paths.map(path => ({ path, reason }));
  }
}

/** A path that fails may also be one that an output refers to: it is listed, and was not counted. */
function withFailures(
  { name, pushed, failed }: PushReport,
  more: readonly PushFailure[],
  taken: ReadonlySet<string>,
): PushReport {
  const lost = more.filter(({ path }) => taken.has(path)).length;
  return { name, pushed: pushed - lost, failed: [...failed, ...more] };
}
