import { shownAddress } from '../host/http/address.ts';
import { abandonedCaches } from './presets.ts';
import type { Unusable } from './probe.ts';
import type { LeftOutCache, Substituter } from './types.ts';

/** What the machine's settings have already. */
export interface PresentSubstituters {
  urls: readonly string[];
  publicKeys: readonly string[];
}

/** What the inputs ask for; `publicKeys` are those that no cache brings itself. */
export interface WantedSubstituters {
  substituters: readonly Substituter[];
  publicKeys: readonly string[];
}

/** Settings for nix.conf, and what people should know about the caches. */
export interface SubstituterConf {
  lines: string[];
  /** Keys that the lines add, `name:base64`. */
  addedKeys: string[];
  leftOut: LeftOutCache[];
}

/**
 * The lines that add substituters to those that are there. Where one that is there cannot be used,
 * the whole list is stated instead, without it.
 *
 * @param unusable why caches cannot be used, by address
 */
export function substituterConf(
  wanted: WantedSubstituters,
  present: PresentSubstituters,
  unusable: Unusable,
): SubstituterConf {
  const reasonFor = (url: string) => abandonedCaches.get(plainAddress(url)) ?? unusable.get(url);
  const there = new Set(present.urls.map(plainAddress));
  const fresh = uniqueByAddress(wanted.substituters).filter(
    ({ url }) => !there.has(plainAddress(url)),
  );
  const usable = wanted.substituters.filter(({ url }) => reasonFor(url) === undefined);
  const added = fresh.filter(each => usable.includes(each)).map(({ url }) => url);
  const kept = present.urls.filter(url => reasonFor(url) === undefined);
  const keys = new Set([...usable.flatMap(each => each.publicKeys), ...wanted.publicKeys]);
  for (const key of present.publicKeys) keys.delete(key);
  const leftOut = [...present.urls, ...fresh.map(({ url }) => url)].flatMap(url => {
    const reason = reasonFor(url);
    return reason === undefined ? [] : [{ cache: shownAddress(url), reason }];
  });
  return {
    lines: [
      ...(kept.length < present.urls.length
        ? [`substituters = ${[...kept, ...added].join(' ')}`.trimEnd()]
        : setting('extra-substituters', added)),
      ...setting('extra-trusted-public-keys', [...keys]),
    ],
    addedKeys: [...keys],
    leftOut,
  };
}

/** The one warning about all caches that are left out; where there is no network, all for one reason. */
export function leftOutWarning(caches: readonly LeftOutCache[]): string {
  const groups = [...Map.groupBy(caches, ({ reason }) => reason)].map(
    ([reason, alike]) => `${alike.map(({ cache }) => cache).join(', ')} (${reason})`,
  );
  return `Caches that cannot be used are left out: ${groups.join('; ')}.`;
}

function setting(name: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`${name} = ${values.join(' ')}`];
}

function uniqueByAddress(substituters: readonly Substituter[]): Substituter[] {
  return [...new Map(substituters.map(each => [plainAddress(each.url), each])).values()];
}

/** The address without parameters and a slash at its end: what makes two of them one cache. */
function plainAddress(url: string): string {
  return url.replace(/\?.*$/, '').replace(/\/+$/, '');
}
