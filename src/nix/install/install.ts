import { join } from 'node:path';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { notice, warn } from '../../host/say.ts';
import { inSpan } from '../../host/span.ts';
import { askEarly, type EffectiveConf } from '../conf.ts';
import { findNix, type MetNix, minimumVersion, nixIn } from '../nix.ts';
import type { Nix } from '../types.ts';
import { withoutMissingBuildUsers } from './configure.ts';
import { type Transport, transport } from './download.ts';
import type { Exports, Installed } from './installed.ts';
import { describeMachine, isLinux, type Machine } from './machine.ts';
import { installAdvice, missingPrograms } from './packages.ts';
import { withUsableStore } from './present-store.ts';
import { ownProfile } from './profile.ts';
import { type NixSettings, planRelease, shownUrl } from './releases.ts';

/** A usable Nix and how it came about. */
export interface EnsuredNix {
  nix: Nix;
  /** The settings that are in effect. */
  conf: EffectiveConf;
  /** `found`: it was there before this run. */
  origin: 'found' | 'release' | 'system';
  /** What later steps of a job need in order to use it. */
  exports: Exports;
}

/**
 * Finds a Nix that the settings allow, or installs one. `auto` takes any that is recent enough,
 * then the official release, then the distribution's when the release server cannot be reached.
 * Throws a {@link Failure} where there is none in the end.
 *
 * @param meanwhile called when a Nix has been asked first, or none is there to be asked: what is begun
 *   then delays nothing
 */
export async function ensureNix(
  settings: NixSettings,
  host: Host,
  server: Transport = transport,
  meanwhile: () => void = () => undefined,
): Promise<EnsuredNix> {
  const machine = await describeMachine(host);
  const found = await usePresent(settings, machine, host, meanwhile);
  if (found === undefined) meanwhile();
  const installing = () => install(settings, machine, host, server);
  const ensured = found ?? (await inSpan(host, { kind: 'install' }, installing));
  await warnWithoutGit(machine, host);
  return ensured;
}

/** A Nix that is there and that the settings allow; it is asked for version and settings at once. */
async function usePresent(
  settings: NixSettings,
  machine: Machine,
  host: Host,
  meanwhile: () => void,
): Promise<EnsuredNix | undefined> {
  const early = askEarly();
  try {
    const nix = await findWanted(settings, machine, host, met => {
      early.meet(met);
      meanwhile();
    });
    return nix && (await present(nix, await early.confOf(nix), machine, host));
  } finally {
    await early.answered();
  }
}

async function findWanted(
  settings: NixSettings,
  machine: Machine,
  host: Host,
  meet: (nix: MetNix) => void,
): Promise<Nix | undefined> {
  const found = await findNix(host, meet);
  const nix = isWanted(found, settings, machine)
    ? found
    : await nixIn(join(ownProfile, 'bin'), host, meet);
  if (!nix || !isWanted(nix, settings, machine)) return undefined;
  if (settings.nixVersion && settings.nixVersion !== nix.version) {
    notice(host, `Nix ${nix.version} is there and is used; \`nix-version\` is for a new one.`);
  }
  return nix;
}

async function present(
  nix: Nix,
  conf: EffectiveConf,
  machine: Machine,
  host: Host,
): Promise<EnsuredNix> {
  const onPath = (host.env.PATH ?? '').split(':').includes(nix.bin);
  const usable = await withUsableStore(nix, conf, machine, host);
  return {
    nix: withoutMissingBuildUsers(usable, machine, conf),
    conf,
    origin: 'found',
    exports: { path: onPath ? [] : [nix.bin], env: {} },
  };
}

function isWanted(nix: Nix | undefined, settings: NixSettings, machine: Machine): boolean {
  if (!nix) return false;
  if (settings.installNix === 'system') return !nix.bin.startsWith('/nix/');
  if (settings.installNix !== 'release') return true;
  return nix.version === planRelease(settings, machine.system).version;
}

async function install(
  settings: NixSettings,
  machine: Machine,
  host: Host,
  server: Transport,
): Promise<EnsuredNix> {
  if (settings.installNix === 'none') {
    throw new Failure(`No Nix ${minimumVersion} or newer was found.`, {
      tried: 'the folders of PATH and the places where installers put it; `install-nix` is "none".',
      next: 'Install Nix, or set `install-nix: auto`.',
    });
  }
  if (!isLinux(machine)) {
    throw new Failure(`Nix can only be installed on Linux here; this is ${machine.system}.`, {
      next: 'Install Nix yourself; it is found and used then.',
    });
  }
  // most machines have a Nix: what installs one is loaded on use
  const { installRelease, installSystem } = await installers();
  if (settings.installNix === 'system') return asSystem(await installSystem(machine, host));
  const release = planRelease(settings, machine.system);
  const outcome = await installRelease(release, machine, host, server);
  if ('nix' in outcome) return { ...outcome, origin: 'release' };
  const unreached = `${shownUrl(release.url)} cannot be reached (${outcome.unreachable})`;
  if (settings.installNix === 'release') throw releaseUnreachable(unreached, machine);
  warn(host, `${unreached}; the distribution's Nix is installed instead.`);
  return installSystem(machine, host).then(asSystem, (error: unknown) => {
    throw error instanceof Failure ? nothingWorked(unreached, error) : error;
  });
}

const installers = async () => ({
  ...(await import('./release.ts')),
  ...(await import('./system.ts')),
});

const asSystem = (installed: Installed): EnsuredNix => ({ ...installed, origin: 'system' });

async function warnWithoutGit(machine: Machine, host: Host): Promise<void> {
  const missing = await missingPrograms(['git'], host.env);
  if (missing.length === 0) return;
  const advice = installAdvice(missing, machine.packageManager);
  warn(host, `git was not found; Nix needs it for flakes in Git checkouts. ${advice}`);
}

function releaseUnreachable(unreached: string, machine: Machine): Failure {
  return new Failure('The Nix release could not be downloaded.', {
    tried: `${unreached}.`,
    next:
      'Check the network and the proxy settings, give a mirror as `nix-release-url` (also file:), ' +
      `or set \`install-nix: system\`. ${installAdvice(['nix'], machine.packageManager)}`,
  });
}

function nothingWorked(unreached: string, error: Failure): Failure {
  return new Failure(`Nix could not be installed: ${error.message}`, {
    ...error.details,
    tried: [`${unreached}; then the distribution's Nix`, error.details.tried]
      .filter(part => part !== undefined)
      .join(': '),
  });
}
