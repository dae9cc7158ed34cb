import type { Unusable } from '../../caches/probe.ts';
import type { LeftOutCache } from '../../caches/types.ts';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import type { Owner } from '../../host/shared-file.ts';
import { type Group, together } from '../../host/together.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import { type Transport, transport } from '../../nix/install/download.ts';
import type { Nix } from '../../nix/types.ts';
import type { InEffect } from '../../report/setup.ts';
import type { VerbOutcome } from '../outcome.ts';
import { type Basis, layBasis, linesOf } from './basis.ts';
import { seekTrust } from './daemon-trust.ts';
import { tellDifferences } from './difference.ts';
import { inEffect } from './in-effect.ts';
import { chooseCaches, nameCaches } from './offer.ts';
import { ownerOf, takeBack } from './part.ts';
import { putConf, putConfUnasked } from './put-conf.ts';

/** A Nix that is ready: with its caches, and settings that later steps see too. */
export interface PreparedNix {
  nix: Nix;
  exports: NonNullable<VerbOutcome['exports']>;
  /** Keys that Nix trusts, `name:base64`. */
  trustedKeys: readonly string[];
  /** Caches that were named and cannot be used. */
  leftOut: readonly LeftOutCache[];
  /** What is wrong with those of them that were asked, by address. */
  unusable: Unusable;
  inEffect: InEffect;
  /** Whose part of the machine's files this run has written. */
  owner: Owner;
}

/** A Nix that can evaluate, while all that building needs is still being found out. */
export interface BegunNix {
  /** It has all caches that were named, whether they answer or not. */
  nix: Nix;
  /** Their addresses. */
  caches: readonly string[];
  /** By which later steps find it, without settings of this run. */
  exports: PreparedNix['exports'];
  /** The set-up's end. */
  ready: Promise<PreparedNix>;
}

/**
 * Sees to it that there is a Nix, and that it has the settings, caches and tokens that the inputs name:
 * Nix is asked before and after. Caches are asked for while Nix is being installed. Rejects with a
 * {@link Failure}.
 */
export function prepareNix(
  settings: SetupSettings,
  host: Host,
  server: Transport = transport,
): Promise<PreparedNix> {
  return together(host, group =>
    asOwner(settings, host, async owner =>
      settle(await layBasis({ settings, owner, host }, group, server)),
    ),
  );
}

/**
 * The same, and works meanwhile: from when there is a Nix that the daemon, if any, trusts. What is left,
 * the phase `install` lasts for it, are the answers of caches, and Nix's word that the settings hold.
 * Either one's failure ends the other; nothing of both runs any more when this resolves or rejects.
 */
export function prepareBeside<T>(
  settings: SetupSettings,
  host: Host,
  server: Transport,
  work: (begun: BegunNix, group: Group) => Promise<T>,
): Promise<T> {
  return together(host, async group => {
    const begun = Promise.withResolvers<Omit<BegunNix, 'ready'>>();
    const setUp = async (owner: Owner) => {
      const basis = await layBasis({ settings, owner, host }, group, server);
      const { trust, ...first } = await begin(basis);
      begun.resolve(first);
      return settle(basis, trust);
    };
    const ready = group.add(inPhase(host, 'install', () => asOwner(settings, host, setUp)));
    ready.catch(begun.reject);
    return work({ ...(await begun.promise), ready }, group);
  });
}

/** What a job has written for a set-up that fails is taken back. */
async function asOwner<T>(
  settings: SetupSettings,
  host: Host,
  work: (owner: Owner) => Promise<T>,
): Promise<T> {
  const owner = ownerOf(settings);
  try {
    return await work(owner);
  } catch (error) {
    if (owner.job !== undefined) await takeBack(owner.id, host);
    throw error;
  }
}

/** Writes what is known by now. */
async function begin(basis: Basis) {
  const { settings, place, found, builders, offer } = basis;
  const { nix, exports, conf: present } = found;
  const named = await nameCaches(offer, settings, present);
  const parts = { nix, more: builders.env };
  const put = await putConfUnasked(linesOf(basis, named), place, settings, parts);
  const trust = await findTrust(basis, { ...put, conf: present });
  return { nix: put.nix, caches: named.urls, exports, trust };
}

/** Writes what is left of it once caches have answered, and asks Nix. `trust`: where it was sought. */
async function settle(basis: Basis, trust?: InEffect['daemon']): Promise<PreparedNix> {
  const { settings, place, found, builders, asked, owner, host } = basis;
  const { nix, exports, conf: present } = found;
  const chosen = await chooseCaches(asked, settings, present, nix.host);
  const parts = { nix, installed: exports.env, more: builders.env };
  const put = await putConf(linesOf(basis, chosen), place, settings, parts);
  const daemon = trust ?? (await findTrust(basis, put));
  return {
    nix: { ...put.nix, host },
    exports: { path: exports.path, env: put.env },
    trustedKeys: [...present.list('trusted-public-keys'), ...chosen.addedKeys],
    leftOut: chosen.leftOut,
    unusable: chosen.unusable,
    inEffect: inEffect(put.conf, daemon),
    owner,
  };
}

/** Whether the daemon, if there is one, takes the settings that were written. */
async function findTrust(
  { daemon, settings, owner, host }: Basis,
  put: Parameters<typeof seekTrust>[1],
): Promise<InEffect['daemon']> {
  if (daemon === undefined) return undefined;
  const untrusted = await seekTrust(daemon, put, owner);
  tellDifferences(untrusted, settings, host);
  return untrusted.length === 0 ? 'trusting' : 'distrusting';
}
