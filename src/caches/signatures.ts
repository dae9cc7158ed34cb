import { stripVTControlCharacters } from 'node:util';
import type { Host } from '../host/host.ts';
import { shownAddress } from '../host/http/address.ts';
import { withHttp } from '../host/http/client.ts';
import { limits, patience } from '../host/limits.ts';
import { warn } from '../host/say.ts';
import type { LeftOutCache } from './types.ts';

/** How Nix says, in all its versions, that it does not trust a narinfo. */
const distrust = /substitute for '([^']+)' from '([^']+)'.* not signed by/s;

/** The path and the cache that one of Nix's messages does not trust, if it is such a message. */
export function distrusted(message: string): { path: string; cache: string } | undefined {
  const said = stripVTControlCharacters(message.slice(0, limits.message));
  const [, path, cache] = distrust.exec(said) ?? [];
  return path === undefined || cache === undefined ? undefined : { path, cache };
}

/** Watches what Nix says for caches whose paths are signed by other keys than are trusted. */
export interface SignatureWatch {
  /** Takes one of Nix's messages. */
  hear(message: string): void;
  /** Resolves with all caches that were heard of, when they are reported; never rejects. */
  settled(): Promise<LeftOutCache[]>;
}

/**
 * Reports each cache whose signatures Nix does not accept, once, with the names of the keys that signed
 * and of those that are trusted. Nix itself leaves such paths out and goes on.
 *
 * @param trusted `name:base64`, as in trusted-public-keys
 */
export function watchSignatures(trusted: readonly string[], host: Host): SignatureWatch {
  const reports = new Map<string, Promise<LeftOutCache>>();
  const report = async (address: string, path: string): Promise<LeftOutCache> => {
    const cache = shownAddress(address);
    const signers = await signersOf(address, path, host).catch(() => undefined);
    const reason = explainDistrust(signers, trusted);
    const message = `Nothing is taken from ${cache}: ${reason}.`;
    warn(host, message);
    return { cache, reason };
  };
  return {
    hear: message => {
      const found = distrusted(message);
      if (found === undefined || reports.has(found.cache)) return;
      reports.set(found.cache, report(found.cache, found.path));
    },
    settled: () => Promise.all(reports.values()),
  };
}

/** Why a cache's paths are not taken; `signers` are key names, undefined where they are unknown. */
export function explainDistrust(
  signers: readonly string[] | undefined,
  trusted: readonly string[],
): string {
  const names = trusted.map(key => key.replace(/:.*$/, ''));
  if (signers === undefined) return 'its paths are not signed by a trusted key';
  if (signers.length === 0) return 'its paths are not signed';
  const same = signers.filter(name => names.includes(name));
  if (same.length > 0) {
    return `its paths are signed by ${same.join(', ')}, but not by the trusted key of that name`;
  }
  return (
    `its paths are signed by ${signers.join(', ')}, and trusted are ${names.join(', ')}; ` +
    'the input extra-trusted-public-keys takes the right key'
  );
}

/** Names of the keys that signed a path, from its narinfo (Nix manual, "Sig: name:base64"). */
async function signersOf(cache: string, path: string, host: Host): Promise<string[]> {
  const hash = /^.*\/([a-z0-9]{32})-/.exec(path)?.[1] ?? '';
  const url = new URL(cache);
  url.search = '';
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${hash}.narinfo`;
  const signal = AbortSignal.timeout(patience.cacheAnswer);
  const request = { method: 'GET', url, signal, retry: false };
  const { body } = await withHttp(host, http => http.exchange(request));
  return signersIn(body.toString());
}

/** Names of the keys in a narinfo, each once; a cache may say anything there. */
export function signersIn(narinfo: string): string[] {
  const names = [...narinfo.matchAll(/^Sig: ([\w.+-]{1,100}):/gm)].map(([, name = '']) => name);
  return [...new Set(names)].slice(0, limits.signatures);
}
