import { randomBytes } from 'node:crypto';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import { accountOwner, isPartId, type Owner } from '../../host/shared-file.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import { distrustUsers } from '../../nix/daemon.ts';
import { removeSshAliases, type SshReader } from '../../nix/ssh-aliases.ts';

/**
 * Whose part of the machine's files a run writes: a job's has a name of its own and counts while the job
 * runs; that of a user on a terminal stays.
 */
export function ownerOf({ conf, temporaryDirectory }: SetupSettings): Owner {
  if (conf.place === 'user') return accountOwner();
  return { id: `job-${randomBytes(8).toString('hex')}`, job: temporaryDirectory };
}

const readers: readonly SshReader[] = ['user', 'daemon'];

/**
 * Takes a job's part out of all files that may have one. Never rejects: at the end of a job what cannot
 * be taken back is a warning, and counts no more once the job's processes are gone. A name that this
 * program does not give is not looked for. An interrupted run takes its part back too.
 */
export async function takeBack(id: string, { signal: _, ...host }: Host): Promise<void> {
  if (!isPartId(id)) return;
  try {
    for (const reader of readers) await removeSshAliases(reader, id, host);
    // a daemon that nobody restarts has hardly read it: there is nothing to say then
    await distrustUsers(id, host);
  } catch (error) {
    const message = `What this job has written on the machine is still there: ${explain(error)}`;
    warn(host, message);
  }
}
