import { stripVTControlCharacters } from 'node:util';
import type { Host } from '../host/host.ts';
import { openHttp } from '../host/http/client.ts';
import { shownAddress } from './substituters.ts';

/** How Nix says, in all its versions, that it does not trust a narinfo. */
const distrust = /substitute for '([^']+)' from '([^']+)'.* not signed by/s;

/** Milliseconds for the one narinfo that is looked at. */
const patience = 5_000;

/** Watches what Nix says for caches whose paths are signed by other keys than are trusted. */
export interface SignatureWatch {
  /** Takes one of Nix's messages. */
  hear(message: string): void;
  /** Resolves when all that was heard is reported; never rejects. */
  settled(): Promise<void>;
}

/**
 * Reports each cache whose signatures Nix does not accept, once, with the names of the keys that signed
 * and of those that are trusted. Nix itself leaves such paths out and goes on.
 *
 * @param trusted `name:base64`, as in trusted-public-keys
 */
export function watchSignatures(trusted: readonly string[], host: Host): SignatureWatch {
  const reports = new Map<string, Promise<void>>();
  const report = async (cache: string, path: string) => {
    const signers = await signersOf(cache, path, host).catch(() => undefined);
    const message = explainDistrust(cache, signers, trusted);
    host.emit({ type: 'warning', message, at: host.clock() });
  };
  return {
    hear: message => {
      const [, path, cache] = distrust.exec(stripVTControlCharacters(message)) ?? [];
      if (cache === undefined || path === undefined || reports.has(cache)) return;
      reports.set(cache, report(cache, path));
    },
    settled: async () => {
      await Promise.all(reports.values());
    },
  };
}

/** Why a cache's paths are not taken; `signers` are key names, undefined where they are unknown. */
export function explainDistrust(
  cache: string,
  signers: readonly string[] | undefined,
  trusted: readonly string[],
): string {
  const names = trusted.map(key => key.replace(/:.*$/, ''));
  const what = `Nothing is taken from ${shownAddress(cache)}`;
  if (signers === undefined) return `${what}: its paths are not signed by a trusted key.`;
  if (signers.length === 0) return `${what}: its paths are not signed.`;
  const same = signers.filter(name => names.includes(name));
  if (same.length > 0) {
    return `${what}: its paths are signed by ${same.join(', ')}, but not by the trusted key of that name.`;
  }
  return (
    `${what}: its paths are signed by ${signers.join(', ')}, and trusted are ${names.join(', ')}. ` +
    'The input extra-trusted-public-keys takes the right key.'
  );
}

/** Names of the keys that signed a path, from its narinfo (Nix manual, "Sig: name:base64"). */
async function signersOf(cache: string, path: string, host: Host): Promise<string[]> {
  const hash = /^.*\/([a-z0-9]{32})-/.exec(path)?.[1] ?? '';
  const url = new URL(cache);
  url.search = '';
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${hash}.narinfo`;
  const http = openHttp(host);
  try {
    const signal = AbortSignal.timeout(patience);
    const { body } = await http.exchange({ method: 'GET', url, signal, retry: false });
    return [...body.toString().matchAll(/^Sig: ([^:\s]+):/gm)].flatMap(([, name = '']) => name);
  } finally {
    http.close();
  }
}
