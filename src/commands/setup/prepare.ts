import { dirname } from 'node:path';
import type { LeftOutCache } from '../../caches/types.ts';
import { githubServer } from '../../host/github-server.ts';
import type { Host } from '../../host/host.ts';
import type { Owner } from '../../host/shared-file.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import { builderKeyFile, type ConfPlace, confFile, withdrawConf } from '../../nix/conf-files.ts';
import { usesDaemon } from '../../nix/daemon.ts';
import { type Transport, transport } from '../../nix/install/download.ts';
import { ensureNix } from '../../nix/install/install.ts';
import { resourceLimits } from '../../nix/resources.ts';
import type { Nix } from '../../nix/types.ts';
import type { InEffect } from '../../report/setup.ts';
import type { VerbOutcome } from '../outcome.ts';
import { confLines } from './conf-lines.ts';
import { askDaemon, seekTrust } from './daemon-trust.ts';
import { tellDifferences } from './difference.ts';
import { inEffect } from './in-effect.ts';
import { askCaches, chooseCaches } from './offer.ts';
import { ownerOf, takeBack } from './part.ts';
import { putConf } from './put-conf.ts';
import { rehearse } from './rehearse.ts';

/** A Nix that is ready: with its caches, and settings that later steps see too. */
export interface PreparedNix {
  nix: Nix;
  exports: NonNullable<VerbOutcome['exports']>;
  /** Keys that Nix trusts, `name:base64`. */
  trustedKeys: readonly string[];
  /** Caches that were named and cannot be used. */
  leftOut: readonly LeftOutCache[];
  inEffect: InEffect;
  /** Whose part of the machine's files this run has written. */
  owner: Owner;
}

/**
 * Sees to it that there is a Nix, and that it has the settings, caches and tokens that the inputs name:
 * Nix is asked before and after. Caches are asked for while Nix is being installed. Rejects with a
 * {@link Failure}.
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
  const folder = dirname(await confFile(place, host.env));
  const [chosen, daemon] = await Promise.all([
    chooseCaches(asking, settings, present, host),
    askDaemon(nix),
    rehearse(nix, settings.conf.lines, folder, settings.temporaryDirectory),
  ]);
  const builders = await askBuilders(settings, place, owner, host);
  const lines = confLines({
    conf: settings.conf,
    githubHost: githubServer(host.env)?.host,
    present,
    substituters: chosen.lines,
    builders: builders.conf,
    limits: resourceLimits(),
    netrc: chosen.netrc,
    pushes: caches.cachix.push.length > 0 || caches.binaryCaches.length > 0,
  });
  const found = { nix, installed: exports.env, more: builders.env };
  const put = await putConf(lines, place, settings, found);
  const untrusted = daemon ? await seekTrust(daemon, put, owner) : [];
  tellDifferences(untrusted, settings, host);
  return {
    nix: put.nix,
    exports: { path: exports.path, env: put.env },
    trustedKeys: [...present.list('trusted-public-keys'), ...chosen.addedKeys],
    leftOut: chosen.leftOut,
    inEffect: inEffect(put.conf, daemon && (untrusted.length === 0 ? 'trusting' : 'distrusting')),
    owner,
  };
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

function confPlace({ conf, temporaryDirectory: folder }: SetupSettings): ConfPlace {
  return conf.place === 'user' ? { kind: 'user' } : { kind: 'folder', folder };
}
