import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { Failure } from '../../host/failure.ts';
import { readForeignFile } from '../../host/foreign-file.ts';
import { type Hands, must, withText } from '../../host/hands.ts';
import type { Host } from '../../host/host.ts';
import { notice } from '../../host/say.ts';
import { writeWhole } from '../../host/whole-file.ts';
import type { EffectiveConf } from '../conf.ts';
import type { Nix } from '../types.ts';
import { isLinux, type Machine, namespacesAllowed } from './machine.ts';
import { privilegedRunner } from './privileged.ts';
import { makeFolder } from './store-folder.ts';

/** Settings of nix.conf, in order. */
export type NixConf = ReadonlyMap<string, string>;

/** The system's settings; read by every Nix on the machine. */
const systemFile = '/etc/nix/nix.conf';

/** What only the installation knows of the Nix that it brings. */
export interface Brought {
  /** A bundle of certificates, where Nix would not find the machine's by itself. */
  certificates?: string | undefined;
  /** A static shell that came with Nix, for builders that ask for /bin/sh. */
  sandboxShell?: string | undefined;
}

/**
 * Sees to the settings that an installed Nix needs. The result are variables for what an existing
 * nix.conf does not say.
 */
export async function configure(
  brought: Brought,
  machine: Machine,
  host: Host,
): Promise<Record<string, string>> {
  const namespaces = await namespacesAllowed(machine, host);
  if (!namespaces) {
    const message =
      'This machine allows no new namespaces (a container without the privilege, or a security ' +
      'module), so Nix builds without its sandbox.';
    notice(host, message);
  }
  const conf = settingsFor(brought, machine, namespaces);
  const lines = await writeConf(conf, machine, host);
  if (lines === '') return {};
  return { NIX_CONFIG: [host.env.NIX_CONFIG, lines].filter(part => part !== undefined).join('\n') };
}

/**
 * What an installed Nix needs on this machine, for whoever uses it; `namespaces` says whether its
 * sandbox can work. Jobs, caches and all that may be another the next time is stated by each set-up.
 */
export function settingsFor(brought: Brought, machine: Machine, namespaces: boolean): NixConf {
  const { certificates, sandboxShell } = brought;
  const settings: [string, string | undefined][] = [
    ['experimental-features', 'nix-command flakes'],
    ['build-users-group', needsNoBuildUsers(machine, 'nixbld') ? '' : undefined],
    ['sandbox', namespaces ? undefined : 'false'],
    ['sandbox-paths', sandboxShell && `/bin/sh=${sandboxShell}`],
    ['ssl-cert-file', certificates],
  ];
  return new Map(settings.filter((each): each is [string, string] => each[1] !== undefined));
}

/** Root builds as the users of a group, and refuses to build when the machine has no such group. */
const needsNoBuildUsers = (machine: Machine, group: string) =>
  isLinux(machine) && machine.uid === 0 && group !== '' && !machine.groups.has(group);

/** The settings as text of a nix.conf. */
export function confText(conf: NixConf): string {
  return [...conf].map(([name, value]) => `${name} = ${value}`.trimEnd()).join('\n');
}

/**
 * Writes the settings to the system's nix.conf where there is none. One that is there stays as it
 * is, byte for byte; then what must be said goes into NIX_CONFIG, which is the result: lines to add
 * to it.
 */
async function writeConf(conf: NixConf, machine: Machine, host: Host): Promise<string> {
  const hands: Hands = { run: privilegedRunner(machine, host), who: 'root', host };
  const present = await readForeignFile(systemFile, hands);
  if (present !== undefined) return confText(missingSettings(present, conf));
  const header = '# Written by comfy-nix when it installed Nix. It is never changed by it again.\n';
  const text = `${header}${confText(conf)}\n`;
  await (machine.uid === 0 ? place(text) : placeAsRoot(text, hands));
  return '';
}

/** By root itself, who may lack the programs for it; everybody can read it, whatever the umask. */
async function place(text: string): Promise<void> {
  await makeFolder(dirname(systemFile));
  await writeWhole(systemFile, text, 0o644);
}

/**
 * It is written under a name beside the file first: a run that is killed leaves no half of a nix.conf,
 * and two runs do not write the same one.
 */
async function placeAsRoot(text: string, hands: Hands): Promise<void> {
  const fresh = `${systemFile}.comfy-nix-${randomUUID()}`;
  try {
    await must(hands, 'mkdir', '-p', '-m', '755', dirname(systemFile));
    await withText(text, hands, written => must(hands, 'install', '-m', '644', written, fresh));
    await must(hands, 'mv', fresh, systemFile);
  } catch (error) {
    throw error instanceof Failure ? notWritten(error) : error;
  }
}

/** Those settings that a nix.conf does not state itself; each set-up adds features to the user's. */
export function missingSettings(present: string, conf: NixConf): NixConf {
  const stated = new Set(
    present.split('\n').flatMap(line => /^\s*(?:extra-)?([a-z-]+)\s*=/.exec(line)?.[1] ?? []),
  );
  stated.add('experimental-features');
  return new Map([...conf].filter(([name]) => !stated.has(name)));
}

/**
 * A Nix that was there before, made to work where only its build users are missing: as root without
 * a `nixbld` group (containers), it would refuse every build. Nothing is written.
 */
export function withoutMissingBuildUsers(nix: Nix, machine: Machine, conf: EffectiveConf): Nix {
  if (!needsNoBuildUsers(machine, conf.text('build-users-group'))) return nix;
  const lines = [nix.env.NIX_CONFIG, 'build-users-group ='].filter(line => line !== undefined);
  return { ...nix, env: { ...nix.env, NIX_CONFIG: lines.join('\n') } };
}

const notWritten = ({ message, details }: Failure) =>
  new Failure(`The settings of Nix could not be written to ${systemFile}: ${message}`, {
    next: `Make ${systemFile} yourself, or make /etc writable, and run this again.`,
    ...details,
  });
