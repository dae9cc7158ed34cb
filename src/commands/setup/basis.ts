import { dirname } from 'node:path';
import { githubServer } from '../../host/github-server.ts';
import type { Host } from '../../host/host.ts';
import type { Owner } from '../../host/shared-file.ts';
import type { Group } from '../../host/together.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import type { PreparedBuilders } from '../../nix/builders.ts';
import {
  builderKeyFile,
  type ConfLines,
  type ConfPlace,
  confFile,
  withdrawConf,
} from '../../nix/conf-files.ts';
import { usesDaemon } from '../../nix/daemon.ts';
import type { Transport } from '../../nix/install/download.ts';
import { type EnsuredNix, ensureNix } from '../../nix/install/install.ts';
import { resourceLimits } from '../../nix/resources.ts';
import { confLines } from './conf-lines.ts';
import { askDaemon, type Daemon } from './daemon-trust.ts';
import { type AskedCaches, askCaches, type NamedCaches, type Offer } from './offer.ts';
import { rehearse } from './rehearse.ts';

/** For whom a set-up is, and its settings. */
export interface Order {
  settings: SetupSettings;
  owner: Owner;
  /** The one of the whole run. */
  host: Host;
}

/** What is known before anything is written. */
export interface Basis extends Order {
  place: ConfPlace;
  found: EnsuredNix;
  daemon: Daemon | undefined;
  builders: Pick<PreparedBuilders, 'conf' | 'env'>;
  asked: AskedCaches;
  offer: Offer;
}

/**
 * Sees to it that there is a Nix whose daemon, if any, answers, and that takes the lines of the input
 * nix-conf; begins to ask for caches meanwhile. Those on Cachix are waited for: nobody else knows their
 * keys. Rejects with a {@link Failure}.
 */
export async function layBasis(order: Order, group: Group, server: Transport): Promise<Basis> {
  const { settings, owner } = order;
  const { host, add } = group;
  const place = confPlace(settings);
  await withdrawConf(place, host.env);
  let asking: AskedCaches | undefined;
  const ask = () => {
    asking ??= askCaches(settings.caches, group);
    return asking;
  };
  const found = await ensureNix(settings.nix, host, server, ask);
  const { nix } = found;
  const asked = ask();
  const folder = dirname(await confFile(place, host.env));
  const [offer, daemon] = await Promise.all([
    asked.offer,
    add(askDaemon(nix)),
    add(rehearse(nix, settings.conf.lines, folder, settings.temporaryDirectory)),
  ]);
  const builders = await askBuilders(settings, place, owner, host);
  return { ...order, place, found, daemon, builders, asked, offer };
}

/** All that the settings of a run are made of, with these caches. */
export function linesOf(
  { settings, found, builders, host }: Basis,
  caches: NamedCaches,
): ConfLines {
  const { cachix, binaryCaches } = settings.caches;
  return confLines({
    conf: settings.conf,
    githubHost: githubServer(host.env)?.host,
    present: found.conf,
    substituters: caches.lines,
    builders: builders.conf,
    limits: resourceLimits(),
    netrc: caches.netrc,
    pushes: cachix.push.length > 0 || binaryCaches.length > 0,
  });
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
