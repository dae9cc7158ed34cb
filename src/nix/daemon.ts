import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import { changeForeignFile, readForeignFile } from '../host/foreign-file.ts';
import { type Hands, must, placeFile } from '../host/hands.ts';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { isThere, isWritable, statsAt, textAt } from '../host/presence.ts';
import { warn } from '../host/say.ts';
import {
  hasToChange,
  type Owner,
  putPart,
  readPart,
  type SharedFile,
  takePart,
} from '../host/shared-file.ts';
import { excludeFromNix, includeInNix, ourFile } from './include-line.ts';
import { rootHands } from './root-hands.ts';

const systemFile = '/etc/nix/nix.conf';
/** Where a nix.conf that is made anew at each start of the daemon has the settings of its owner. */
const customFile = '/etc/nix/nix.custom.conf';
export const daemonFile = `/etc/nix/${ourFile}`;
const socket = '/nix/var/nix/daemon-socket/socket';
/** systemd's names of the daemon and its socket begin so. */
const unit = 'nix-daemon';

/** Whether this user's Nix talks to a daemon, as Nix decides it (store "auto"). */
export async function usesDaemon(env: Host['env']): Promise<boolean> {
  const remote = env.NIX_REMOTE ?? '';
  if (remote !== '' && remote !== 'auto') return /^(daemon|unix:)/.test(remote);
  const state = env.NIX_STATE_DIR ?? '/nix/var/nix';
  return !(await isWritable(state)) && (await isThere(join(state, 'daemon-socket/socket')));
}

/** The part of the daemon's settings by which it trusts users, also where others trust more of them. */
export const trustText = (users: readonly string[]): string =>
  `extra-trusted-users = ${users.join(' ')}\n`;

/** Whether a run of this program has the daemon trust a user. */
export async function isTrustedByRuns(user: string): Promise<boolean> {
  const text = (await textAt(daemonFile)) ?? '';
  return text.split(/\s+/).includes(user);
}

/** Whether an owner's part has the daemon trust just these users already. */
export async function saysTrust(users: readonly string[], { id }: Owner): Promise<boolean> {
  return (await readPart({ file: daemonFile }, id)) === trustText(users);
}

/**
 * Has the daemon trust more users: by a part of the file beside the system's nix.conf, which gets one
 * line that includes it. The daemon reads that when it starts and never again, so it is restarted where
 * systemd runs it. Elsewhere it is left alone: the result is what its owner has to do, undefined where
 * that is nothing. Rejects with a {@link Failure} where nothing could be written.
 */
export async function trustUsers(
  users: readonly string[],
  owner: Owner,
  host: Host,
): Promise<string | undefined> {
  const hands = await rootHands(host);
  try {
    await putPart(sharedFile(hands, host), owner, trustText(users), host);
    return await reload(hands, host);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`The settings of Nix's daemon could not be changed: ${error.message}`, {
      ...error.details,
      next:
        error.details.next ??
        `Add "${trustText(users).trim()}" to ${systemFile} and restart nix-daemon.`,
    });
  }
}

/**
 * Takes back what {@link trustUsers} has put there for an owner, if anything; gives what has to be done by
 * whoever runs the daemon, for it to take effect. Rejects with a {@link Failure}.
 */
export async function distrustUsers(id: string, host: Host): Promise<string | undefined> {
  if (!(await hasToChange({ file: daemonFile }, id))) return undefined;
  const hands = await rootHands(host);
  const changed = await takePart(sharedFile(hands, host), id, host);
  return changed ? reload(hands, host) : undefined;
}

function sharedFile(hands: Hands, host: Host): SharedFile {
  return {
    file: daemonFile,
    what: "the settings of Nix's daemon",
    hands,
    include: async () => {
      const file = await includingFile(hands);
      const change = await changeForeignFile(file, includeInNix, hands);
      if (typeof change !== 'object') return;
      throw new Failure(`${file} stays as it is, since ${change.kept}.`, {
        tried: `to include ${daemonFile} from there.`,
        next:
          `Have ${file} say what is wanted where it is made (on NixOS: nix.settings), ` +
          'and restart nix-daemon.',
      });
    },
    exclude: async () => {
      for (const file of [systemFile, customFile]) {
        const change = await changeForeignFile(file, excludeFromNix, hands);
        if (typeof change !== 'object') continue;
        const message = `${file} still includes ${daemonFile}, which is not there any more: ${change.kept}.`;
        warn(host, message);
      }
    },
  };
}

/** The file whose lines last: the system's, or where that is made anew each time, the one for its owner. */
async function includingFile(hands: Hands): Promise<string> {
  const text = (await readForeignFile(systemFile, hands)) ?? '';
  return /^\s*!?include\s+(\/etc\/nix\/)?nix\.custom\.conf\s*(#.*)?$/m.test(text)
    ? customFile
    : systemFile;
}

/** What the daemon has read, as far as this program knows: a copy of the file, beside its parts. */
const readCopy = '/etc/nix/.comfy-nix/read';

/**
 * Has the daemon read its settings, if it has not yet. Builds that are under way belong to processes of
 * their own and go on.
 */
async function reload(hands: Hands, host: Host): Promise<string | undefined> {
  const text = await textAt(daemonFile);
  if (text && text === (await textAt(readCopy))) return undefined;
  const manager = await managerOf(hands, host);
  if (manager === 'none') return (await startedSince(daemonFile)) ? undefined : advice;
  if (manager === 'systemd') await must(hands, 'systemctl', 'restart', `${unit}.service`);
  if (text) await placeFile(readCopy, text, '644', hands);
  return undefined;
}

const advice =
  "Nix's daemon reads its settings when it starts, and systemd does not run this one: whoever has " +
  'started it restarts it (in a container: its entry point), or starts it after this program has run once.';

/**
 * Who runs the daemon behind this machine's socket; systemd may be about to start it, when it is first
 * called. The systemd of another machine, whose programs are seen from a container, has another socket.
 */
async function managerOf(
  hands: Hands,
  host: Host,
): Promise<'systemd' | 'will be started' | 'none'> {
  const own = await statsAt(socket);
  if (own === undefined) return 'will be started';
  const service = await askSystemd(`${unit}.service`, host);
  const runs = service.ActiveState === 'active' && /^[1-9]\d*$/.test(service.MainPID ?? '');
  const waits = !runs && (await askSystemd(`${unit}.socket`, host)).ActiveState === 'active';
  if (!runs && !waits) return 'none';
  // while nobody has called, the socket is systemd's own
  const pid = runs ? service.MainPID : 1;
  const { stdout } = await hands.run('stat', ['-c', '%d:%i', `/proc/${pid}/root${socket}`]);
  if (stdout.trim() !== `${own.dev}:${own.ino}`) return 'none';
  return runs ? 'systemd' : 'will be started';
}

/** What systemd says of a unit; nothing where there is no systemd. */
async function askSystemd(name: string, host: Host): Promise<Record<string, string>> {
  const args = ['show', name, '--property=ActiveState,MainPID'];
  const limit = { what: `systemd's word on ${name}`, ms: patience.program };
  const shown = await host.run({ file: 'systemctl', args, limit }).catch(() => undefined);
  const lines = shown?.code === 0 ? shown.stdout.split('\n') : [];
  return Object.fromEntries(lines.map(line => line.split('=', 2) as [string, string]));
}

/** Whether the daemon was started after a file was written: it makes its socket when it starts. */
async function startedSince(file: string): Promise<boolean> {
  const [made, written] = await Promise.all([socket, file].map(statsAt));
  return made !== undefined && written !== undefined && made.mtimeMs > written.mtimeMs;
}
