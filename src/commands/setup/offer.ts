import { readNetrc } from '../../caches/netrc.ts';
import { cudaCaches } from '../../caches/presets.ts';
import { probeSubstituters, type Unusable } from '../../caches/probe.ts';
import {
  leftOutWarning,
  refusingWarning,
  type SubstituterConf,
  substituterConf,
} from '../../caches/substituters.ts';
import type { LeftOutCache, Substituter } from '../../caches/types.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import type { Group } from '../../host/together.ts';
import type { CacheSettings, ConfSettings } from '../../inputs/settings.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import { readConfText } from '../../nix/conf-text.ts';

/** The caches that the inputs name, with what is needed to read them. */
export interface Offer {
  substituters: readonly Substituter[];
  /** Lines of a netrc file. */
  netrc: readonly string[];
  /** Caches on Cachix of which not even the address is known. */
  leftOut: readonly LeftOutCache[];
}

/** What is being found out about the caches of the inputs. */
export interface AskedCaches {
  /** Cachix tells addresses and keys of its caches. */
  offer: Promise<Offer>;
  /** Which of the others do not answer. */
  unusable: Promise<Unusable>;
}

/** The caches of a run, as nix.conf names them. */
export interface NamedCaches {
  /** Lines of nix.conf. */
  lines: readonly string[];
  /** Addresses of all that are in use with them. */
  urls: readonly string[];
  /** Lines of a netrc file, with those that are there already; empty: nothing is to be added. */
  netrc: readonly string[];
}

/** The same without those that cannot be used. */
export interface ChosenCaches extends NamedCaches {
  /** Keys that the lines add, `name:base64`. */
  addedKeys: readonly string[];
  leftOut: readonly LeftOutCache[];
  /** What is wrong with those that were asked and left out, by address. */
  unusable: Unusable;
}

/** The settings that have a say in caches. */
interface CacheInputs {
  conf: ConfSettings;
  caches: CacheSettings;
}

/** Begins to ask for all caches of the inputs at once. Nix need not be there for it. */
export function askCaches(caches: CacheSettings, { host, add }: Group): AskedCaches {
  const listed = listedCaches(caches);
  const urls = listed.map(({ url }) => url);
  return {
    offer: add(offerOf(caches, listed, host)),
    unusable: add(probeSubstituters(urls, '', host)),
  };
}

function listedCaches({ substituters, cudaCaches: wanted }: CacheSettings): Substituter[] {
  const named = substituters.map(url => ({ url, publicKeys: [] }));
  return [...named, ...(wanted ? cudaCaches : [])];
}

async function offerOf(
  caches: CacheSettings,
  listed: readonly Substituter[],
  host: Host,
): Promise<Offer> {
  const cachix = await askCachix(caches.cachix, host);
  return {
    substituters: [...cachix.flatMap(each => each.substituters), ...listed],
    netrc: cachix.flatMap(each => each.netrc),
    leftOut: cachix.flatMap(each => each.leftOut),
  };
}

/** The library for Cachix is loaded only where a cache is named. */
async function askCachix({ pull }: CacheSettings['cachix'], host: Host) {
  if (pull.length === 0) return [];
  const { cachixSubstituters } = await import('../../caches/cachix.ts');
  return Promise.all(pull.map(({ name, token }) => cachixSubstituters([name], token, host)));
}

/** All caches of the inputs and of Nix's own settings, whether they answer or not. */
export async function nameCaches(
  offer: Offer,
  inputs: CacheInputs,
  present: EffectiveConf,
): Promise<NamedCaches> {
  const logins = await loginsOf(offer, inputs, present);
  return { ...linesFor(offer, inputs, present, new Map()), netrc: netrcFor(offer, logins) };
}

/**
 * Chooses among the caches of the inputs and those that Nix uses already, which are asked here; so are
 * those again that want a login, with the logins that Nix has. Warns of what is left out.
 */
export async function chooseCaches(
  asked: AskedCaches,
  inputs: CacheInputs,
  present: EffectiveConf,
  host: Host,
): Promise<ChosenCaches> {
  const offer = await asked.offer;
  const logins = await loginsOf(offer, inputs, present);
  const unusable = await whatIsWrong(asked.unusable, logins, inputs, present, host);
  const plan = linesFor(offer, inputs, present, unusable);
  const leftOut = [...offer.leftOut, ...plan.leftOut];
  if (leftOut.length > 0) warn(host, leftOutWarning(leftOut));
  if (plan.refusing.length > 0) warn(host, refusingWarning(plan.refusing));
  return {
    ...plan,
    netrc: netrcFor(offer, logins),
    leftOut,
    unusable: new Map([...unusable].filter(([url]) => !plan.urls.includes(url))),
  };
}

/** Asks those that nobody has asked, beside those that are being asked. */
async function whatIsWrong(
  asking: Promise<Unusable>,
  logins: string,
  { caches }: CacheInputs,
  present: EffectiveConf,
  host: Host,
): Promise<Unusable> {
  const listed = new Set(listedCaches(caches).map(({ url }) => url));
  const others = present.list('substituters').filter(url => !listed.has(url));
  const [first, ofOthers] = await Promise.all([asking, probeSubstituters(others, logins, host)]);
  const refused = [...first].filter(([, { wantsLogin }]) => wantsLogin).map(([url]) => url);
  const again = await probeSubstituters(refused, logins, host);
  const answered = [...first].filter(([url]) => !refused.includes(url));
  return new Map([...answered, ...ofOthers, ...again]);
}

function linesFor(
  { substituters }: Offer,
  { caches }: CacheInputs,
  present: EffectiveConf,
  unusable: Unusable,
): SubstituterConf {
  return substituterConf(
    { substituters, publicKeys: caches.publicKeys },
    { urls: present.list('substituters'), publicKeys: present.list('trusted-public-keys') },
    unusable,
  );
}

/** The text of a netrc file with all logins that Nix will have. */
async function loginsOf(
  { netrc }: Offer,
  { conf }: CacheInputs,
  present: EffectiveConf,
): Promise<string> {
  return [...netrc, ...(await readNetrc(netrcFile(conf, present))).split('\n')].join('\n');
}

const netrcFor = ({ netrc }: Offer, logins: string): string[] =>
  netrc.length === 0 ? [] : logins.trimEnd().split('\n');

/** The file with the logins that Nix will have: the input nix-conf names it last. */
function netrcFile({ lines }: ConfSettings, present: EffectiveConf): string {
  const stated = readConfText(lines.join('\n')).findLast(
    each => each.kind === 'setting' && each.name === 'netrc-file',
  );
  return stated?.kind === 'setting' ? stated.value : present.text('netrc-file');
}
