import { readNetrc } from '../../caches/netrc.ts';
import { cudaCaches } from '../../caches/presets.ts';
import { probeSubstituters, type Unusable } from '../../caches/probe.ts';
import { leftOutWarning, refusingWarning, substituterConf } from '../../caches/substituters.ts';
import type { LeftOutCache, Substituter } from '../../caches/types.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import type { CacheSettings, ConfSettings } from '../../inputs/settings.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import { readConfText } from '../../nix/conf-text.ts';

/** The caches that the inputs name, with what is needed to read them. */
export interface Offer {
  substituters: readonly Substituter[];
  /** Lines of a netrc file. */
  netrc: readonly string[];
  unusable: Unusable;
  /** Caches on Cachix of which not even the address is known. */
  leftOut: readonly LeftOutCache[];
}

/** The caches of a run, as nix.conf names them. */
export interface ChosenCaches {
  /** Lines of nix.conf. */
  lines: readonly string[];
  /** Keys that the lines add, `name:base64`. */
  addedKeys: readonly string[];
  /** Lines of a netrc file, with those that are there already; empty: nothing is to be added. */
  netrc: readonly string[];
  leftOut: readonly LeftOutCache[];
}

/**
 * Finds out about all caches of the inputs at once: keys of those on Cachix, and which of the others
 * answer. Nix need not be there for it.
 */
export async function askCaches(caches: CacheSettings, host: Host): Promise<Offer> {
  const named = caches.substituters.map(url => ({ url, publicKeys: [] }));
  const listed: Substituter[] = [...named, ...(caches.cudaCaches ? cudaCaches : [])];
  const urls = listed.map(({ url }) => url);
  const [cachix, unusable] = await Promise.all([
    askCachix(caches.cachix, host),
    probeSubstituters(urls, '', host),
  ]);
  return {
    substituters: [...cachix.flatMap(each => each.substituters), ...listed],
    netrc: cachix.flatMap(each => each.netrc),
    unusable,
    leftOut: cachix.flatMap(each => each.leftOut),
  };
}

/** The library for Cachix is loaded only where a cache is named. */
async function askCachix({ pull }: CacheSettings['cachix'], host: Host) {
  if (pull.length === 0) return [];
  const { cachixSubstituters } = await import('../../caches/cachix.ts');
  return Promise.all(pull.map(({ name, token }) => cachixSubstituters([name], token, host)));
}

/**
 * Chooses among the caches of the inputs and those that Nix uses already, which are asked here; so are
 * those again that want a login, with the logins that Nix has. Warns of what is left out.
 */
export async function chooseCaches(
  asking: Promise<Offer>,
  { conf, caches }: { conf: ConfSettings; caches: CacheSettings },
  present: EffectiveConf,
  host: Host,
): Promise<ChosenCaches> {
  const urls = present.list('substituters');
  const logins = await readNetrc(netrcFile(conf, present));
  const offer = await asking;
  const netrc = [...offer.netrc, ...logins.split('\n')].join('\n');
  const refused = [...offer.unusable].filter(([, { wantsLogin }]) => wantsLogin);
  const answers = await probeSubstituters([...urls, ...refused.map(([url]) => url)], netrc, host);
  const before = [...offer.unusable].filter(([, { wantsLogin }]) => !wantsLogin);
  const plan = substituterConf(
    { substituters: offer.substituters, publicKeys: caches.publicKeys },
    { urls, publicKeys: present.list('trusted-public-keys') },
    new Map([...before, ...answers]),
  );
  const leftOut = [...offer.leftOut, ...plan.leftOut];
  if (leftOut.length > 0) warn(host, leftOutWarning(leftOut));
  if (plan.refusing.length > 0) warn(host, refusingWarning(plan.refusing));
  return {
    lines: plan.lines,
    addedKeys: plan.addedKeys,
    netrc: offer.netrc.length === 0 ? [] : netrc.trimEnd().split('\n'),
    leftOut,
  };
}

/** The file with the logins that Nix will have: the input nix-conf names it last. */
function netrcFile({ lines }: ConfSettings, present: EffectiveConf): string {
  const stated = readConfText(lines.join('\n')).findLast(
    each => each.kind === 'setting' && each.name === 'netrc-file',
  );
  return stated?.kind === 'setting' ? stated.value : present.text('netrc-file');
}
