import { stripVTControlCharacters } from 'node:util';
import type { Host } from '../host/host.ts';
import { shownAddress } from '../host/http/address.ts';
import type { HttpClient } from '../host/http/client.ts';
import { abandon, ConnectionLost } from '../host/http/message.ts';
import { patience, retries } from '../host/limits.ts';
import { warn } from '../host/say.ts';
import { eitherSignal } from '../host/signals.ts';
import { readConf } from '../nix/conf.ts';
import type { CacheWatch } from '../nix/realise.ts';
import type { Nix } from '../nix/types.ts';
import { baseOf, isBelow } from './files-of.ts';
import type { LeftOutCache } from './types.ts';

/** Caches that stop working while Nix takes from them: they are left out from then on. */
export interface FailingCaches extends CacheWatch {
  /**
   * Asks all caches for a store path, at the same time, so that one that does not answer any more costs
   * no more than 5 s. Never rejects, but with the reason of the host's signal.
   */
  ask(path: string): Promise<void>;
  /** Those that have failed by now. */
  leftOut(): LeftOutCache[];
}

/** How Nix says, in all its versions, that it tries again or that it has given up. */
const complaint = /unable to download '([^']+)'/;
const surrender = /disabling binary cache '([^']+)'/;

/**
 * Watches the caches of a run. One of which Nix complains is asked by this program too: Nix may go on
 * for minutes (a cache that answers 429 is waited for), and what was a hiccup is over by then. A cache
 * that Nix has given up has failed: the programs of Nix 2.8 even break down of it.
 *
 * @param answer milliseconds in which a cache must answer
 */
export function watchFailing(
  nix: Nix,
  host: Host,
  answer: number = patience.cacheAnswer,
): FailingCaches {
  const failed = new Map<string, string>();
  const listeners = new Set<() => void>();
  const asking = new Map<string, Promise<void>>();
  let known: Promise<readonly string[]> | undefined;

  /** Substituters of HTTP that are in use; the settings are read when they are needed first. */
  const caches = () => {
    known ??= readConf(nix).then(
      conf => conf.list('substituters').filter(url => /^https?:/.test(url) && URL.canParse(url)),
      () => [],
    );
    return known;
  };
  const fail = (cache: string, reason: string) => {
    if (failed.has(cache)) return;
    failed.set(cache, reason);
    const message = `Nothing more is taken from ${shownAddress(cache)} in this run: ${reason}.`;
    warn(host, message);
    for (const listener of listeners) listener();
  };
  const examine = async (cache: string, url: URL) => {
    const reason = await whatIsWrong(url, host, answer);
    if (reason !== undefined) fail(cache, reason);
  };
  /** One question to a cache at a time. */
  const once = (cache: string, work: () => Promise<void>): void => {
    if (failed.has(cache) || asking.has(cache)) return;
    const asked = work()
      .catch(() => undefined)
      .finally(() => asking.delete(cache));
    asking.set(cache, asked);
  };
  const cacheOf = async (address: string) =>
    (await caches()).find(cache => isBelow(address, baseOf(cache)));

  return {
    hear: message => {
      const text = stripVTControlCharacters(message);
      const [, given] = surrender.exec(text) ?? [];
      const [, url = given] = complaint.exec(text) ?? [];
      if (url === undefined || !URL.canParse(url)) return;
      once(new URL(url).origin, async () => {
        const cache = await cacheOf(url);
        if (cache === undefined || failed.has(cache)) return;
        if (given !== undefined) fail(cache, 'Nix could not download from it');
        else await examine(cache, new URL(url));
      });
    },
    ask: async path => {
      const [, hash] = /([0-9a-z]{32})-[^/]*$/.exec(path) ?? [];
      const usable = (await caches()).filter(cache => !failed.has(cache));
      await Promise.all(
        usable.map(cache => examine(cache, new URL(`${baseOf(cache)}${hash}.narinfo`))),
      );
      host.signal?.throwIfAborted();
    },
    settled: async () => {
      await Promise.all(asking.values());
      return failed.size;
    },
    hasFailed: cache => failed.has(cache),
    without: async used => {
      if (failed.size === 0) return used;
      const kept = (await readConf(used)).list('substituters').filter(url => !failed.has(url));
      const lines = [used.env.NIX_CONFIG, `substituters = ${kept.join(' ')}`.trimEnd()];
      const NIX_CONFIG = lines.filter(line => line !== undefined).join('\n');
      return { ...used, env: { ...used.env, NIX_CONFIG } };
    },
    onFailure: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    leftOut: () => [...failed].map(([cache, reason]) => ({ cache: shownAddress(cache), reason })),
  };
}

/**
 * Why a cache does not give a file; undefined where it answers in whatever other way (it may want a
 * login that Nix has), or where this program cannot tell since it does not trust its certificate.
 */
async function whatIsWrong(url: URL, host: Host, answer: number): Promise<string | undefined> {
  const { withHttp } = await import('../host/http/client.ts');
  const limit = AbortSignal.timeout(answer);
  const signal = eitherSignal(limit, host.signal);
  try {
    const status = await withHttp(host, http => lastStatus(url, http, signal));
    return status === 429 || status >= 500 ? `it answers ${status}` : undefined;
  } catch (error) {
    if (host.signal?.aborted) return undefined;
    if (error instanceof ConnectionLost && error.untrusted) return undefined;
    if (limit.aborted) return `no answer in ${answer / 1000} s`;
    return error instanceof Error ? error.message : String(error);
  }
}

/** What is answered in the end: a fault may pass. */
async function lastStatus(url: URL, http: HttpClient, signal: AbortSignal): Promise<number> {
  let status = 0;
  for (let tried = 0; tried < retries.cacheFault; tried++) {
    status = await statusOf(url, http, signal);
    if (status < 500) break;
  }
  return status;
}

/** The body, which may be large, is not read. */
async function statusOf(url: URL, http: HttpClient, signal: AbortSignal): Promise<number> {
  const response = await http.send({ method: 'GET', url, signal });
  await abandon(response);
  return response.status;
}
