import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runProgram } from './programs.ts';

/** A real sshd on a loopback port, behind which is the distribution's Nix with a store of its own. */
export interface SshBuilder {
  port: number;
  /** The text of the private key that it lets in as root. */
  key: string;
  /** The line of a known_hosts file that vouches for it. */
  knownHosts: string;
  /** Its host key as the last field of a builder's line wants it. */
  hostKey: string;
  /** Its /nix. */
  nix: string;
  stop(): Promise<void>;
}

/** Needs root. What is mounted for it is seen by it alone. */
export async function startSshBuilder(): Promise<SshBuilder> {
  const folder = await mkdtemp(join(tmpdir(), 'ssh-builder-'));
  const nix = join(folder, 'nix');
  await mkdir(nix);
  await mkdir('/run/sshd', { recursive: true });
  for (const name of ['key', 'host-key']) {
    await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const port = await freePort();
  await writeFile(join(folder, 'sshd_config'), sshdConfig(folder, port));
  // the session's locale and environment are those of the server
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', inside], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', FOLDER: folder },
  });
  const ended = once(child, 'exit');
  const listens = firstLine(child.stderr, /^Server listening/);
  const state = await Promise.race([listens, ended.then(() => 'sshd ended')]);
  if (state !== undefined) throw new Error(state);
  const publicKey = (await readFile(join(folder, 'host-key.pub'), 'utf8')).trim();
  return {
    port,
    key: await readFile(join(folder, 'key'), 'utf8'),
    knownHosts: `[127.0.0.1]:${port} ${publicKey}`,
    hostKey: Buffer.from(publicKey).toString('base64'),
    nix,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A locked password would keep root out, whatever its key. */
const inside = `set -e
  mount --bind "$FOLDER/nix" /nix
  mount -t tmpfs tmpfs /etc/nix
  printf '%s\\n' 'build-users-group =' 'substituters =' >/etc/nix/nix.conf
  sed 's/^root:[^:]*/root:*/' /etc/shadow >"$FOLDER/shadow"
  mount --bind "$FOLDER/shadow" /etc/shadow
  exec /usr/sbin/sshd -D -e -f "$FOLDER/sshd_config"`;

function sshdConfig(folder: string, port: number): string {
  return [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${folder}/host-key`,
    `AuthorizedKeysFile ${folder}/key.pub`,
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'PidFile none',
    '',
  ].join('\n');
}

/** Resolves at the line; afterwards the stream is read and forgotten. */
function firstLine(stream: NodeJS.ReadableStream, wanted: RegExp): Promise<undefined> {
  return new Promise(resolve => {
    createInterface({ input: stream }).on('line', line => {
      if (wanted.test(line)) resolve(undefined);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
