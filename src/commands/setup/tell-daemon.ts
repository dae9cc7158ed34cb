import { explain, Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import type { Owner } from '../../host/shared-file.ts';
import { currentUser } from '../../host/user.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import { isTrustedByRuns, saysTrust, trustUsers, usesDaemon } from '../../nix/daemon.ts';
import { askStore } from '../../nix/store-answer.ts';
import type { Nix } from '../../nix/types.ts';

/**
 * Has the daemon, where there is one, take the settings of this user and of those that the inputs name.
 * A trusted user can become root, so that code from a fork makes nobody one. What cannot be had is a
 * warning, or a {@link Failure} where an input asks for it.
 */
export async function tellDaemon(
  nix: Nix,
  settings: SetupSettings,
  owner: Owner,
  host: Host,
): Promise<void> {
  if (settings.task === 'check') return;
  const users = await usersToTrust(nix, settings, owner);
  if (users.length === 0) return;
  if (settings.cacheRefusal !== undefined) {
    const why = 'it does not trust this user, and code from elsewhere changes nothing of that.';
    return warn(
      host,
      `Nix's daemon does not take the settings of this run, caches among them: ${why}`,
    );
  }
  const lack = await trustUsers(users, owner, host).catch((error: unknown) => {
    if (error instanceof Failure) return error;
    throw error;
  });
  if (lack === undefined) return;
  if (settings.conf.trustedUsers.length > 0) throw notTrusted(lack);
  const why = typeof lack === 'string' ? lack : explain(lack);
  warn(host, `Nix's daemon does not take the settings of this run, caches among them: ${why}`);
}

/**
 * Whom a part of this run's has to have the daemon trust: this user, unless the machine's own settings do
 * (what other runs have written there goes with them), and those whom the input names. Empty: there is
 * nothing to write. A daemon that does not answer is left alone.
 */
export async function usersToTrust(
  nix: Nix,
  { conf: { trustedUsers } }: SetupSettings,
  owner: Owner,
): Promise<string[]> {
  if (!(await usesDaemon(nix.host.env))) return [];
  const answer = await askStore(nix);
  if (!answer.answers) return [];
  const { name } = currentUser();
  if (answer.trusted && trustedUsers.length === 0 && !(await isTrustedByRuns(name))) return [];
  const users = [...new Set([name, ...trustedUsers])];
  const isDone = owner.job === undefined && (await saysTrust(users, owner));
  return answer.trusted && isDone ? [] : users;
}

const notTrusted = (lack: string | Failure): Failure =>
  new Failure("Nix's daemon does not trust whom trusted-users names.", {
    ...(typeof lack === 'string' ? { next: lack } : { tried: lack.message, ...lack.details }),
    cause: lack,
  });

function warn(host: Host, message: string): void {
  host.emit({ type: 'warning', message, at: host.clock() });
}
