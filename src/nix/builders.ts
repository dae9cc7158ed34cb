import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { builderText, parseBuilders, type SshAddress } from './builder-machines.ts';

/** Machines that build for this one, as the user gave them. */
export interface BuilderSettings {
  /** The syntax of nix.conf's `builders`: one machine per line, or `;` between them. */
  builders: string;
  /** A private key without passphrase, for machines that name no key of their own. */
  sshKey?: string | undefined;
  /** Lines of a known_hosts file; without it, those of this machine's own files count. */
  knownHosts?: string | undefined;
}

/** What Nix needs in order to use the builders. */
export interface PreparedBuilders {
  /** Lines of nix.conf. */
  conf: string[];
  /**
   * For the process that starts ssh: Nix itself, or its daemon, which has an environment of its own.
   */
  env: Record<string, string>;
}

/**
 * Writes key, known hosts and a configuration for ssh (0600) into the private directory, and says
 * what Nix has to know. Ports stand in that configuration, since Nix 2.8 takes none in an address;
 * what the user's own configuration of ssh says of a machine holds as well.
 *
 * Throws a {@link Failure} for an address that is none, a key that is no private key, and for a
 * machine whose host key nobody has vouched for.
 */
export async function prepareBuilders(
  settings: BuilderSettings,
  privateDirectory: string,
  host: Host,
): Promise<PreparedBuilders> {
  const builders = parseBuilders(settings.builders);
  if (builders.length === 0) return { conf: [], env: {} };
  const conf = [
    `builders = ${builders.map(builderText).join(' ; ')}`,
    'builders-use-substitutes = true', // a builder fetches from caches what they have
  ];
  const addresses = builders.flatMap(builder => (builder.ssh ? [builder.ssh] : []));
  if (addresses.length === 0) return { conf, env: {} };
  const config = await writeSshFiles(settings, addresses, privateDirectory);
  for (const address of addresses.filter(({ ownHostKey }) => !ownHostKey)) {
    await requireHostKey(address, config, host);
  }
  const options = [host.env.NIX_SSHOPTS, '-F', config].filter(part => part !== undefined);
  return { conf, env: { NIX_SSHOPTS: options.join(' ') } };
}

/** Returns the path of the configuration. */
async function writeSshFiles(
  { sshKey, knownHosts }: BuilderSettings,
  addresses: readonly SshAddress[],
  directory: string,
): Promise<string> {
  if (/\s/.test(directory)) {
    throw new Failure(`The folder ${directory} cannot hold files for ssh: its name has a space.`, {
      tried: 'NIX_SSHOPTS, in which Nix 2.8 takes no quotes.',
      next: 'Use a temporary folder (RUNNER_TEMP, TMPDIR) without spaces in its path.',
    });
  }
  const place = (name: string) => join(directory, name);
  const key = sshKey === undefined ? undefined : place('builder-key');
  const hosts = knownHosts === undefined ? undefined : place('builder-known-hosts');
  if (key !== undefined) await writePrivate(key, keyText(sshKey ?? ''));
  if (hosts !== undefined) await writePrivate(hosts, unixLines(knownHosts ?? ''));
  const config = place('builder-ssh-config');
  await writePrivate(config, sshConfig(addresses, key, hosts));
  return config;
}

const writePrivate = (file: string, text: string) => writeFile(file, text, { mode: 0o600 });

const unixLines = (text: string) => `${text.replaceAll('\r\n', '\n').trim()}\n`;

/** ssh reads a key only with its last line ended, which inputs of an action have lost. */
function keyText(sshKey: string): string {
  if (/^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(sshKey)) return unixLines(sshKey);
  throw new Failure('builder-ssh-key is not a private key.', {
    tried: 'to find a line such as "-----BEGIN OPENSSH PRIVATE KEY-----" at its beginning.',
    next: 'Give the text of the key file itself, with all of its lines, not of the .pub file.',
  });
}

/**
 * A configuration for ssh (ssh_config(5)); of each option the first value counts. Host keys are
 * always checked, and nothing is ever asked.
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
    ...(ownHostKey ? [`  HostKeyAlias ${alias}`] : []), // the name that Nix writes with that key
    ...(keyFile === undefined || ownKey
      ? []
      : [`  IdentityFile ${keyFile}`, '  IdentitiesOnly yes']),
  ]);
  return [
    ...ofHost,
    'Host *',
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    '  ConnectTimeout 15',
    '  ServerAliveInterval 30', // a long build can be silent for hours
    ...trusted.flatMap(file => [`  UserKnownHostsFile ${file}`, '  GlobalKnownHostsFile none']),
    '  Include ~/.ssh/config',
    '  Include /etc/ssh/ssh_config',
    '',
  ].join('\n');
}

/** Nix hides why ssh would refuse a host, and builds without it: so this is found out before. */
async function requireHostKey(address: SshAddress, config: string, host: Host): Promise<void> {
  const { name, files } = await hostKeyPlaces(address, config, host);
  for (const file of files) {
    const args = ['-F', name, '-f', file];
    const { code } = await host.run({ file: 'ssh-keygen', args, signal: host.signal });
    if (code === 0) return;
  }
  const { port } = address;
  const scan = [...(port === undefined ? [] : ['-p', String(port)]), address.host].join(' ');
  throw new Failure(`The host key of the builder ${address.uri} is not known.`, {
    tried: `to find ${name} in ${files.join(' and ') || 'known hosts (there is no such file)'}.`,
    next:
      `Put what "ssh-keyscan ${scan}" says into builder-known-hosts, once you have compared it ` +
      "with the machine's own /etc/ssh/ssh_host_*_key.pub.",
  });
}

/** Under which name, and in which files, ssh will look for a machine's host key. */
async function hostKeyPlaces(
  address: SshAddress,
  config: string,
  host: Host,
): Promise<{ name: string; files: string[] }> {
  const args = ['-F', config, '-G', address.alias];
  const { code, stdout, stderr } = await host.run({ file: 'ssh', args, signal: host.signal });
  if (code !== 0) {
    throw new Failure(`ssh has no configuration for the builder ${address.uri}.`, {
      evidence: stderr.trimEnd().split('\n').slice(-5),
      tried: `ssh -G ${address.alias}, with ~/.ssh/config and /etc/ssh/ssh_config included.`,
      next: 'Correct the line of ssh_config that it names.',
    });
  }
  const value = (option: string) => new RegExp(`^${option} (.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const [hostname, port, alias] = [value('hostname'), value('port'), value('hostkeyalias')];
  const listed = `${value('userknownhostsfile')} ${value('globalknownhostsfile')}`.split(' ');
  return {
    name: alias || (port === '22' ? hostname : `[${hostname}]:${port}`),
    files: listed
      .filter(file => file !== '' && file !== 'none')
      .map(file => file.replace(/^~(?=\/)/, host.env.HOME ?? '~')),
  };
}
