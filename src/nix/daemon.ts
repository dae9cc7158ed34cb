import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { currentUser } from '../host/user.ts';
import type { EffectiveConf } from './conf.ts';
import { includeLine } from './conf-files.ts';
import type { Machine } from './install/machine.ts';
import { privilegedRunner, type RunPrivileged } from './install/privileged.ts';
import { asRoot, writeRootFile } from './root-file.ts';

const systemFile = '/etc/nix/nix.conf';
const ours = '/etc/nix/comfy-nix.conf';
const socket = '/nix/var/nix/daemon-socket/socket';

/** Ends our file until the daemon has read it, so that a run after a failed restart tries again. */
const unread = '# The daemon has not read this yet.\n';

/** Whether this user's Nix talks to a daemon, as Nix decides it (store "auto"). */
export async function usesDaemon(env: Host['env']): Promise<boolean> {
  const remote = env.NIX_REMOTE ?? '';
  if (remote !== '' && remote !== 'auto') return /^(daemon|unix:)/.test(remote);
  const state = env.NIX_STATE_DIR ?? '/nix/var/nix';
  const may = (path: string, mode?: number) =>
    access(path, mode).then(
      () => true,
      () => false,
    );
  return !(await may(state, constants.W_OK)) && (await may(join(state, 'daemon-socket/socket')));
}

/**
 * Whether the daemon takes settings from this user: by name, by a group (`@wheel`), or by `*`. What an
 * earlier run has written and the daemon has not read does not count.
 */
export async function isTrusted(conf: EffectiveConf): Promise<boolean> {
  const { name: username, uid } = currentUser();
  if (uid === 0) return true;
  if ((await readFile(ours, 'utf8').catch(() => '')).endsWith(unread)) return false;
  const names = new Set(['*', username, ...(await ownGroups()).map(group => `@${group}`)]);
  return conf.list('trusted-users').some(name => names.has(name));
}

async function ownGroups(): Promise<string[]> {
  const ids = new Set([...(process.getgroups?.() ?? []), process.getgid?.()].map(String));
  const text = await readFile('/etc/group', 'utf8').catch(() => '');
  return text.split('\n').flatMap(line => {
    const [name = '', , id = ''] = line.split(':');
    return ids.has(id) ? [name] : [];
  });
}

/**
 * Writes settings for the daemon beside the system's nix.conf, which gets one line that includes them,
 * and has the daemon read them. Does nothing where it has read them already. Rejects with a {@link Failure},
 * also where this user can do nothing as root.
 */
export async function configureDaemon(
  lines: readonly string[],
  machine: Machine,
  host: Host,
): Promise<void> {
  const text = `# Written by comfy-nix; the next run writes it anew.\n${lines.join('\n')}\n`;
  const system = await readFile(systemFile, 'utf8').catch(() => '');
  const include = includeLine(system);
  const present = await readFile(ours, 'utf8').catch(() => '');
  if (present === text && include === '') return;
  const runPrivileged = privilegedRunner(machine, host);
  try {
    await writeRootFile(ours, text + unread, runPrivileged, host);
    if (include !== '') await writeRootFile(systemFile, system + include, runPrivileged, host);
    await restartDaemon(runPrivileged);
    await writeRootFile(ours, text, runPrivileged, host);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`The settings of Nix's daemon could not be changed: ${error.message}`, {
      ...error.details,
      next: `Add this user to trusted-users in ${systemFile} and restart nix-daemon.`,
    });
  }
}

/**
 * The daemon reads nix.conf when it starts and never again. Builds that are under way belong to
 * processes of their own and go on.
 */
async function restartDaemon(runPrivileged: RunPrivileged): Promise<void> {
  const hasSystemd = await access('/run/systemd/system').then(
    () => true,
    () => false,
  );
  if (hasSystemd) return asRoot(runPrivileged, 'systemctl', ['restart', 'nix-daemon.service']);
  const daemon = await findDaemon(runPrivileged);
  if (daemon === undefined) return; // it will read the new settings when it is started
  await asRoot(runPrivileged, 'kill', [String(daemon.pid)]);
  // the script waits until the socket is the new daemon's, not the old one's
  const script = `while kill -0 ${daemon.pid} 2>/dev/null; do sleep 0.05; done
rm -f ${socket}
setsid "$@" </dev/null >/dev/null 2>&1 &
for attempt in $(seq 200); do [ -S ${socket} ] && exit 0; sleep 0.05; done; exit 1`;
  await asRoot(runPrivileged, 'sh', ['-c', script, 'sh', ...daemon.command]);
}

/** The daemon where no systemd runs it; each of its connections is a child of the same name. */
async function findDaemon(
  runPrivileged: RunPrivileged,
): Promise<{ pid: number; command: string[] } | undefined> {
  const found = new Map<number, { parent: number; command: string[] }>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const command = text.split('\0').slice(0, -1);
    if (!/(^|\/)nix-daemon$/.test(command[0] ?? '')) continue;
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    found.set(Number(name), { parent: Number(/\) \S (\d+)/.exec(status)?.[1]), command });
  }
  const own = await stat(socket).catch(() => undefined);
  if (own === undefined) return undefined;
  for (const [pid, { parent, command }] of found) {
    if (found.has(parent)) continue;
    // the daemon of a container on this machine serves another store
    const args = ['-c', '%d:%i', `/proc/${pid}/root${socket}`];
    const { stdout } = await runPrivileged('stat', args);
    if (stdout.trim() === `${own.dev}:${own.ino}`) return { pid, command };
  }
  return undefined;
}
