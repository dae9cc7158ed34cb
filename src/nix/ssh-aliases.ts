import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, Failure } from '../host/failure.ts';
import { changeForeignFile } from '../host/foreign-file.ts';
import { ownHands } from '../host/hands.ts';
import type { Host } from '../host/host.ts';
import { textAt } from '../host/presence.ts';
import { warn } from '../host/say.ts';
import {
  hasToChange,
  type Owner,
  putPart,
  type SharedFile,
  takePart,
} from '../host/shared-file.ts';
import { currentUser, requireHome } from '../host/user.ts';
import { excludeFromSsh, includeInSsh, ourFile } from './include-line.ts';
import { rootHands } from './root-hands.ts';

const systemConfig = '/etc/ssh/ssh_config';
const systemFile = `/etc/ssh/ssh_config.d/${ourFile}`;

/** Who reads the names: ssh of this user, or, since root starts the ssh of a daemon, of the machine. */
export type SshReader = 'user' | 'daemon';

/**
 * Has ssh know names: entries of ssh_config(5) that hold nothing secret. They replace the owner's earlier
 * ones; the empty text removes them. Rejects with a {@link Failure} that says what to write where.
 */
export async function setSshAliases(
  entries: string,
  reader: SshReader,
  owner: Owner,
  host: Host,
): Promise<void> {
  const file = sshFile(reader, host);
  try {
    if (entries === '') await removeSshAliases(reader, owner.id, host);
    else await putPart(await sharedFile(reader, host), owner, entries, host);
  } catch (error) {
    if (entries === '') return warnOfRest(error, host);
    const config = reader === 'daemon' ? systemConfig : '~/.ssh/config';
    throw new Failure(`ssh could not be told how to reach builders: ${(error as Error).message}`, {
      evidence: entries.trimEnd().split('\n'),
      tried: `to write ${file}${reader === 'daemon' ? ' as root' : ''}.`,
      next: `Put these lines into ${file}, and "Include ${file}" first into ${config}.`,
      cause: error,
    });
  }
}

/** Takes an owner's names back, if there are any; gives whether there were. Rejects with a {@link Failure}. */
export async function removeSshAliases(
  reader: SshReader,
  id: string,
  host: Host,
): Promise<boolean> {
  if (!(await hasToChange({ file: sshFile(reader, host) }, id))) return false;
  return takePart(await sharedFile(reader, host), id, host);
}

/** ssh looks in the home folder of the account, wherever HOME points. */
const userFolder = ({ env }: Host) => join(currentUser().home ?? requireHome(env), '.ssh');
/** The file in which a reader finds the names. */
export const sshFile = (reader: SshReader, host: Host) =>
  reader === 'daemon' ? systemFile : join(userFolder(host), ourFile);

function warnOfRest(error: unknown, host: Host): void {
  const message = `Names of builders that are not used any more stay known to ssh: ${explain(error)}`;
  warn(host, message);
}

async function sharedFile(reader: SshReader, host: Host): Promise<SharedFile> {
  const about = { file: sshFile(reader, host), what: 'the names of builders that ssh knows' };
  return reader === 'daemon'
    ? { ...about, hands: await rootHands(host), include: requireFolder, exclude: async () => {} }
    : { ...about, ...inHome(host) };
}

/** Most distributions include a folder of files in the system's configuration. */
async function requireFolder(): Promise<void> {
  const text = (await textAt(systemConfig)) ?? '';
  if (/^\s*Include\s.*\/?ssh_config\.d\/(\*|comfy-nix)/im.test(text)) return;
  throw new Failure(`${systemConfig} does not include the files of ssh_config.d.`);
}

function inHome(host: Host): Pick<SharedFile, 'hands' | 'include' | 'exclude'> {
  const hands = ownHands(host);
  const config = join(userFolder(host), 'config');
  return {
    hands,
    include: async () => {
      await mkdir(userFolder(host), { recursive: true, mode: 0o700 });
      const change = await changeForeignFile(config, includeInSsh, hands, '600');
      if (typeof change === 'object')
        throw new Failure(`${config} stays as it is, since ${change.kept}.`);
    },
    exclude: async () => {
      const change = await changeForeignFile(config, excludeFromSsh, hands, '600');
      if (typeof change !== 'object') return;
      const message = `${config} still includes ${ourFile}, which is not there any more: ${change.kept}.`;
      warn(host, message);
    },
  };
}
