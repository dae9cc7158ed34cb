import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import type { Owner } from '../host/shared-file.ts';
import { writePrivate } from '../host/whole-file.ts';
import { requireHostKey, requirePlainName } from './builder-host-keys.ts';
import {
  type Builder,
  builderText,
  parseBuilders,
  type SshAddress,
  withKeys,
} from './builder-machines.ts';
import { setSshAliases } from './ssh-aliases.ts';

/** Machines that build for this one, as the user gave them. */
export interface BuilderSettings {
  /** The syntax of nix.conf's `builders`: one machine per line, or `;` between them. */
  builders: string;
  /** A private key without passphrase, for machines that name no key of their own. */
  sshKey?: string | undefined;
  /** Lines of a known_hosts file; without it, those of this machine's own files count. */
  knownHosts?: string | undefined;
}

/**
 * Who starts ssh for the builders: a Nix that gets this run's variables; any Nix of this user, also
 * long after this run; or the daemon, as root.
 */
type SshCaller = 'run' | 'user' | 'daemon';

/** Where things for ssh are kept. */
export interface SshPlaces {
  caller: SshCaller;
  /** A folder that only this user can enter, for this run. */
  directory: string;
  /** For the private key; it has to be there as long as the settings are. */
  keyFile: string;
  /** Whose names of builders ssh is told, and for how long. */
  owner: Owner;
}

/** What Nix needs in order to use the builders. */
export interface PreparedBuilders {
  /** Lines of nix.conf. */
  conf: string[];
  /** For the process that starts ssh, where that gets variables of this run. */
  env: Record<string, string>;
}

/**
 * Sees to what ssh needs for the builders, and says what Nix has to know. Nix 2.8 takes no port in an
 * address, so that ports stand in a configuration of ssh.
 *
 * A Nix of this run is told of a configuration that has key and known hosts as well; what the user's
 * own says of a machine holds too. For the others all that goes into the machines' own lines, where
 * any user and any version of Nix finds it; root can read a key file of this user.
 *
 * Throws a {@link Failure} for an address that is none, a key that is no private key, and for a
 * machine whose host key nobody has vouched for, or which whoever starts ssh could not reach.
 */
export async function prepareBuilders(
  settings: BuilderSettings,
  places: SshPlaces,
  host: Host,
): Promise<PreparedBuilders> {
  const builders = parseBuilders(settings.builders);
  const addresses = builders.flatMap(builder => (builder.ssh ? [builder.ssh] : []));
  const { caller } = places;
  if (caller !== 'run') await setSshAliases(aliasConfig(addresses), caller, places.owner, host);
  if (addresses.length === 0) return { conf: confOf(builders), env: {} };
  const config = await writeSshFiles(settings, addresses, places);
  const hostKeys = new Map<string, string | undefined>();
  for (const address of addresses) {
    const key = address.ownHostKey ? undefined : await requireHostKey(address, config, host);
    if (!keyInLine(settings, caller)) continue;
    await requirePlainName(address, config, host);
    hostKeys.set(address.alias, key && Buffer.from(key).toString('base64'));
  }
  if (caller === 'run') {
    const options = [host.env.NIX_SSHOPTS, '-F', config].filter(part => part !== undefined);
    return { conf: confOf(builders), env: { NIX_SSHOPTS: options.join(' ') } };
  }
  const key = settings.sshKey === undefined ? undefined : places.keyFile;
  const keyOf = ({ ssh }: Builder) => (ssh ? hostKeys.get(ssh.alias) : undefined);
  return { conf: confOf(builders.map(each => withKeys(each, key, keyOf(each)))), env: {} };
}

/** This user's own files of known hosts are read by his ssh later too, and not by root's. */
const keyInLine = ({ knownHosts }: BuilderSettings, caller: SshCaller) =>
  caller === 'daemon' || (caller === 'user' && knownHosts !== undefined);

function confOf(builders: readonly Builder[]): string[] {
  if (builders.length === 0) return [];
  return [
    `builders = ${builders.map(builderText).join(' ; ')}`,
    'builders-use-substitutes = true', // a builder fetches from caches what they have
  ];
}

/** Returns the path of the configuration. */
async function writeSshFiles(
  { sshKey, knownHosts }: BuilderSettings,
  addresses: readonly SshAddress[],
  { directory, keyFile }: SshPlaces,
): Promise<string> {
  for (const folder of [directory, dirname(keyFile)]) {
    if (!/\s/.test(folder)) continue;
    throw new Failure(`The folder ${folder} cannot hold files for ssh: its name has a space.`, {
      tried: 'NIX_SSHOPTS and the lines of builders, in which Nix takes no quotes.',
      next: 'Use a folder (RUNNER_TEMP, TMPDIR, XDG_CONFIG_HOME) without spaces in its path.',
    });
  }
  const hosts = knownHosts === undefined ? undefined : join(directory, 'builder-known-hosts');
  for (const folder of [directory, dirname(keyFile)]) await mkdir(folder, { recursive: true });
  if (sshKey !== undefined) await writePrivate(keyFile, keyText(sshKey));
  if (hosts !== undefined) await writePrivate(hosts, unixLines(knownHosts ?? ''));
  const config = join(directory, 'builder-ssh-config');
  await writePrivate(config, sshConfig(addresses, sshKey && keyFile, hosts));
  return config;
}

const unixLines = (text: string) => `${text.replaceAll('\r\n', '\n').trim()}\n`;

/** ssh reads a key only with its last line ended, which inputs of an action have lost. */
function keyText(sshKey: string): string {
  if (/^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(sshKey)) return unixLines(sshKey);
  throw new Failure('`builder-ssh-key` is not a private key.', {
    tried: 'to find a line such as "-----BEGIN OPENSSH PRIVATE KEY-----" at its beginning.',
    next: 'Give the text of the key file itself, with all of its lines, not of the .pub file.',
  });
}

/** Host keys are always checked, and nothing is ever asked. */
const always = [
  '  StrictHostKeyChecking yes',
  '  BatchMode yes',
  '  ConnectTimeout 15',
  '  ServerAliveInterval 30', // a long build can be silent for hours
];

/**
 * A configuration for ssh (ssh_config(5)); of each option the first value counts.
 */
export function sshConfig(
  addresses: readonly SshAddress[],
  keyFile: string | undefined,
  knownHostsFile: string | undefined,
): string {
  const trusted = knownHostsFile === undefined ? [] : [knownHostsFile];
  const ofHost = addresses.flatMap(({ alias, host, port, ownKey, ownHostKey }) => [
    `Host ${alias}`,
    ...(port === undefined ? [] : [`  HostName ${host}`, `  Port ${port}`]),
    // by its alias Nix writes a key of the line; else an earlier run may have left that alias
    ...(ownHostKey ? [`  HostKeyAlias ${alias}`] : keyName(host, port)),
    ...(keyFile === undefined || ownKey
      ? []
      : [`  IdentityFile ${keyFile}`, '  IdentitiesOnly yes']),
  ]);
  return [
    ...ofHost,
    'Host *',
    ...always,
    ...trusted.flatMap(file => [`  UserKnownHostsFile ${file}`, '  GlobalKnownHostsFile none']),
    '  Include ~/.ssh/config',
    '  Include /etc/ssh/ssh_config',
    '',
  ].join('\n');
}

/** The name that a machine has in known_hosts, where it is called by an alias of ours. */
function keyName(host: string, port: number | undefined): string[] {
  if (port === undefined) return [];
  return [`  HostKeyAlias ${port === 22 ? host : `[${host}]:${port}`}`];
}

/** Entries for the names that stand for an address and its port; they are used by Nix alone. */
export function aliasConfig(addresses: readonly SshAddress[]): string {
  return addresses
    .filter(({ port }) => port !== undefined)
    .flatMap(({ alias, host, port }) => [
      `Host ${alias}`,
      `  HostName ${host}`,
      `  Port ${port}`,
      `  HostKeyAlias ${alias}`, // the name that Nix writes with the host key of a machine's line
      ...always,
    ])
    .map(line => `${line}\n`)
    .join('');
}
