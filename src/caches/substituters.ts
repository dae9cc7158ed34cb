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
  /** Addresses of all that are in use with these lines. */
  urls: string[];
  /** Keys that the lines add, `name:base64`. */
  addedKeys: string[];
  leftOut: LeftOutCache[];
  /** Caches of the machine's settings that take no login which they were asked with; they stay. */
  refusing: LeftOutCache[];
}

/**
 * The lines that add substituters to those that are there. Where one that is there cannot be used,
 * the whole list is stated instead, without it; one that wants another login stays, since its owner may
 * have one for it where this program does not look.
 *
 * @param unusable why caches cannot be used, by address
 */
export function substituterConf(
  wanted: WantedSubstituters,
  present: PresentSubstituters,
  unusable: Unusable,
): SubstituterConf {
  const there = new Set(present.urls.map(plainAddress));
  const reasonFor = (url: string) => {
    const fault = unusable.get(url);
    const isLeft = fault?.wantsLogin && there.has(plainAddress(url));
    return abandonedCaches.get(plainAddress(url)) ?? (isLeft ? undefined : fault?.reason);
  };
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
  const refusing = kept.flatMap(url => {
    const fault = unusable.get(url);
    return fault ? [{ cache: shownAddress(url), reason: fault.reason }] : [];
  });
  return {
    lines: [
      ...(kept.length < present.urls.length
        ? [`substituters = ${[...kept, ...added].join(' ')}`.trimEnd()]
        : setting('extra-substituters', added)),
      ...setting('extra-trusted-public-keys', [...keys]),
    ],
    urls: [...kept, ...added],
    addedKeys: [...keys],
    leftOut,
    refusing,
  };
}

/** The one warning about all caches that are left out; where there is no network, all for one reason. */
export function leftOutWarning(caches: readonly LeftOutCache[]): string {
  return `Caches that cannot be used are left out: ${listed(caches)}.`;
}

/** The one warning about caches of the user's own that refuse the login, and stay. */
export function refusingWarning(caches: readonly LeftOutCache[]): string {
  return (
    `Caches of your own settings refuse to be read: ${listed(caches)}. They stay in use; ` +
    'put the right login into the netrc file that netrc-file names.'
  );
}

function listed(caches: readonly LeftOutCache[]): string {
  const groups = [...Map.groupBy(caches, ({ reason }) => reason)].map(
    ([reason, alike]) => `${alike.map(({ cache }) => cache).join(', ')} (${reason})`,
  );
  return groups.join('; ');
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
