import { readFile } from 'node:fs/promises';
import { cudaCaches } from '../../caches/presets.ts';
import { probeSubstituters } from '../../caches/probe.ts';
import { leftOutWarning, substituterConf } from '../../caches/substituters.ts';
import type { LeftOutCache, Substituter } from '../../caches/types.ts';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import type { Owner } from '../../host/shared-file.ts';
import type { CacheSettings, SetupSettings } from '../../inputs/settings.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import {
  builderKeyFile,
  type ConfLines,
  type ConfPlace,
  withdrawConf,
  writeConf,
} from '../../nix/conf-files.ts';
import { usesDaemon } from '../../nix/daemon.ts';
import { type Transport, transport } from '../../nix/install/download.ts';
import { ensureNix } from '../../nix/install/install.ts';
import { resourceLimits } from '../../nix/resources.ts';
import type { Nix } from '../../nix/types.ts';
import type { VerbOutcome } from '../outcome.ts';
import { confLines } from './conf-lines.ts';
import { inputsThatAsk } from './inputs-that-ask.ts';
import { ownerOf, takeBack } from './part.ts';
import { tellDaemon } from './tell-daemon.ts';

/** A Nix that is ready: with its caches, and settings that later steps see too. */
export interface PreparedNix {
  nix: Nix;
  exports: NonNullable<VerbOutcome['exports']>;
  /** Keys that Nix trusts, `name:base64`. */
  trustedKeys: readonly string[];
  /** Caches that were named and cannot be used. */
  leftOut: readonly LeftOutCache[];
  /** Whose part of the machine's files this run has written. */
  owner: Owner;
}

/**
 * Sees to it that there is a Nix, and that it has the settings, caches and tokens that the inputs name.
 * Caches are asked for while Nix is being installed. Rejects with a {@link Failure}.
 */
export async function prepareNix(
  settings: SetupSettings,
  host: Host,
  server: Transport = transport,
): Promise<PreparedNix> {
  const owner = ownerOf(settings);
  try {
    return await prepareFor(owner, settings, host, server);
  } catch (error) {
    if (owner.job !== undefined) await takeBack(owner.id, host);
    throw error;
  }
}

async function prepareFor(
  owner: Owner,
  settings: SetupSettings,
  host: Host,
  server: Transport,
): Promise<PreparedNix> {
  const { caches } = settings;
  const place = confPlace(settings);
  await withdrawConf(place, host.env);
  const ensuring = ensureNix(settings.nix, host, server);
  const asking = askCaches(caches, host);
  asking.catch(() => undefined); // awaited below, once Nix is there
  const { nix, exports, conf: present } = await ensuring;
  const urls = present.list('substituters');
  const [offer, dead] = await Promise.all([asking, probeSubstituters(urls, [], host)]);
  const unusable = new Map([...offer.unusable, ...dead]);
  const publicKeys = present.list('trusted-public-keys');
  const wanted = { substituters: offer.substituters, publicKeys: caches.publicKeys };
  const plan = substituterConf(wanted, { urls, publicKeys }, unusable);
  const leftOut = [...offer.leftOut, ...plan.leftOut];
  if (leftOut.length > 0) warn(host, leftOutWarning(leftOut));
  const builders = await askBuilders(settings, place, owner, host);
  const conf = confLines({
    conf: settings.conf,
    present,
    substituters: plan.lines,
    builders: builders.conf,
    limits: resourceLimits(),
    netrc: offer.netrc.length === 0 ? [] : [...offer.netrc, ...(await netrcOf(present))],
    pushes: caches.cachix.push.length > 0 || caches.binaryCaches.length > 0,
  });
  const env = {
    ...builders.env,
    ...(await putConf(conf, place, settings, host)),
  };
  await tellDaemon({ ...nix, env: { ...nix.env, ...env } }, settings, owner, host);
  return {
    nix: { ...nix, env: { ...nix.env, ...env } },
    exports: { path: exports.path, env: { ...exports.env, ...env } },
    trustedKeys: [...publicKeys, ...plan.addedKeys],
    leftOut,
    owner,
  };
}

/** The caches that the inputs name, with what is needed to read them. */
interface Offer {
  substituters: readonly Substituter[];
  netrc: readonly string[];
  unusable: ReadonlyMap<string, string>;
  /** Caches on Cachix of which not even the address is known. */
  leftOut: readonly LeftOutCache[];
}

/** Finds out about all caches at once: keys of those on Cachix, and which of the others answer. */
async function askCaches(caches: CacheSettings, host: Host): Promise<Offer> {
  const named = caches.substituters.map(url => ({ url, publicKeys: [] }));
  const listed: Substituter[] = [...named, ...(caches.cudaCaches ? cudaCaches : [])];
  const [cachix, unusable] = await Promise.all([
    askCachix(caches.cachix, host),
    probeSubstituters(
      listed.map(({ url }) => url),
      [],
      host,
    ),
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

/** The library for builders is loaded only where there are some, or were. */
async function askBuilders(
  { builders, temporaryDirectory: directory, task }: SetupSettings,
  place: ConfPlace,
  owner: Owner,
  host: Host,
) {
  const later = place.kind === 'user' ? 'user' : 'run';
  const caller = task !== 'check' && (await usesDaemon(host.env)) ? 'daemon' : later;
  if (builders === undefined && caller === 'run') return { conf: [], env: {} };
  const { prepareBuilders } = await import('../../nix/builders.ts');
  const keyFile = await builderKeyFile(place, host.env);
  const places = { caller, directory, keyFile, owner } as const;
  return prepareBuilders(builders ?? { builders: '' }, places, host);
}

/** The logins that Nix has now; ours are added to them, since it reads one file only. */
async function netrcOf(present: EffectiveConf): Promise<string[]> {
  const text = await readFile(present.text('netrc-file'), 'utf8').catch(() => '');
  return text.split('\n').filter(line => line !== '');
}

function confPlace({ conf, temporaryDirectory: folder }: SetupSettings): ConfPlace {
  return conf.place === 'user' ? { kind: 'user' } : { kind: 'folder', folder };
}

/** Writes the settings for this user; where Nix does not find them by itself, an input that asks is refused. */
async function putConf(
  conf: ConfLines,
  place: ConfPlace,
  settings: SetupSettings,
  host: Host,
): Promise<Record<string, string>> {
  const { env, advice } = await writeConf(conf, place, host);
  if (advice === undefined) return env;
  const inputs = inputsThatAsk(settings);
  if (inputs.length === 0) warn(host, `Nix does not find the settings of this run yet: ${advice}`);
  else {
    throw new Failure(`Nix does not find what ${inputs.join(', ')} asks for.`, { next: advice });
  }
  return env;
}

function warn(host: Host, message: string): void {
  host.emit({ type: 'warning', message, at: host.clock() });
}
