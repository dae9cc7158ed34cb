import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { lastLines } from '../host/last-lines.ts';
import { patience } from '../host/limits.ts';
import type { SshAddress } from './builder-machines.ts';

/** What ssh makes of a machine's name by its configuration. */
interface Resolved {
  hostname: string;
  /** Under which name, and in which files, it looks for the host key. */
  name: string;
  files: string[];
}

/**
 * The host key that this user's ssh accepts of a machine, "ssh-ed25519 AAAA…"; undefined where a
 * certificate authority vouches for it. Nix hides why ssh would refuse a machine, and builds without
 * it: so this is found out before. Rejects with a {@link Failure} where nobody has vouched for it.
 *
 * @param config a file as for `ssh -F`
 */
export async function requireHostKey(
  address: SshAddress,
  config: string,
  host: Host,
): Promise<string | undefined> {
  const { name, files } = await resolve(address, config, host);
  for (const file of files) {
    const args = ['-F', name, '-f', file];
    const { code, stdout } = await askSsh('ssh-keygen', args, host);
    if (code === 0) return keyIn(stdout);
  }
  const { port } = address;
  const scan = [...(port === undefined ? [] : ['-p', String(port)]), address.host].join(' ');
  throw new Failure(`The host key of the builder ${address.uri} is not known.`, {
    tried: `to find ${name} in ${files.join(' and ') || 'known hosts (there is no such file)'}.`,
    next:
      `Put what "ssh-keyscan ${scan}" says into \`builder-known-hosts\`, once you have compared it ` +
      "with the machine's own /etc/ssh/ssh_host_*_key.pub.",
  });
}

/** The first key among lines of known_hosts; those with a marker (`@cert-authority`) are none. */
function keyIn(knownHosts: string): string | undefined {
  return /^[^#@\s]\S*\s+(\S+\s+\S+)/m.exec(knownHosts)?.[1];
}

/**
 * A host key in a machine's line stands for the name in that line, and root does not read this user's
 * configuration. Rejects with a {@link Failure} where that makes another name of it.
 */
export async function requirePlainName(
  address: SshAddress,
  config: string,
  host: Host,
): Promise<void> {
  const { hostname } = await resolve(address, config, host);
  if (hostname === '' || hostname === address.host.toLowerCase()) return;
  throw new Failure(`The builder ${address.uri} has another name in ~/.ssh/config: ${hostname}.`, {
    tried:
      'to hand its host key to Nix for later builds, which know it by the name in builders alone.',
    next: `Write ${hostname} in builders.`,
  });
}

const askSsh = (file: string, args: readonly string[], host: Host) =>
  host.run({
    ...{ file, args, signal: host.signal },
    limit: { what: `an answer of ${file} on this machine`, ms: patience.program },
  });

async function resolve(address: SshAddress, config: string, host: Host): Promise<Resolved> {
  const args = ['-F', config, '-G', address.alias];
  const { code, stdout, stderr } = await askSsh('ssh', args, host);
  if (code !== 0) {
    throw new Failure(`ssh has no configuration for the builder ${address.uri}.`, {
      evidence: lastLines(stderr),
      tried: `ssh -G ${address.alias}, with ~/.ssh/config and /etc/ssh/ssh_config included.`,
      next: 'Correct the line of ssh_config that it names.',
    });
  }
  const value = (option: string) => new RegExp(`^${option} (.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const [hostname, port, alias] = [value('hostname'), value('port'), value('hostkeyalias')];
  const listed = `${value('userknownhostsfile')} ${value('globalknownhostsfile')}`.split(' ');
  return {
    hostname,
    name: alias || (port === '22' ? hostname : `[${hostname}]:${port}`),
    files: listed
      .filter(file => file !== '' && file !== 'none')
      .map(file => file.replace(/^~(?=\/)/, host.env.HOME ?? '~')),
  };
}
