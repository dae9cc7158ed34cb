import type { Host } from '../../host/host.ts';
import { accountOwner, readPart } from '../../host/shared-file.ts';
import { removeConf } from '../../nix/conf-files.ts';
import { daemonFile, distrustUsers } from '../../nix/daemon.ts';
import { removeSshAliases } from '../../nix/ssh-aliases.ts';
import type { VerbOutcome } from '../outcome.ts';

/**
 * Takes back what set-ups have written on this machine for this account; the files of others are then what
 * they were before. A Nix that was installed stays. Rejects with a {@link Failure}.
 */
export async function undoSetup(host: Host): Promise<VerbOutcome> {
  const { id } = accountOwner();
  const wasTrusted = (await readPart({ file: daemonFile }, id)) !== undefined;
  const advice = await distrustUsers(id, host);
  const done = [
    ...((await removeConf(host)) ? ["this user's settings of Nix"] : []),
    ...((await removeSshAliases('user', id, host)) ? ["this user's names of builders"] : []),
    ...((await removeSshAliases('daemon', id, host)) ? ["the daemon's names of builders"] : []),
    ...(wasTrusted ? ["the daemon's trust in this user"] : []),
  ];
  const lines = [
    done.length === 0 ? 'Nothing was there to take back.' : `Taken back: ${done.join(', ')}.`,
    ...(advice === undefined ? [] : [`The daemon has not noticed yet. ${advice}`]),
  ];
  const text = lines.map(line => `${line}\n`).join('');
  return { outputs: {}, report: { text, markdown: text } };
}
