import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../../host/failure.ts';
import { patience } from '../../host/limits.ts';
import type { Owner } from '../../host/shared-file.ts';
import { currentUser } from '../../host/user.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import { confStatements } from '../../nix/conf-statements.ts';
import { isTrustedByRuns, saysTrust, trustUsers, usesDaemon } from '../../nix/daemon.ts';
import { askStore, type StoreAnswer } from '../../nix/store-answer.ts';
import type { Nix } from '../../nix/types.ts';
import { askedFor } from './asked-for.ts';
import type { Difference } from './difference.ts';
import type { ConfInEffect } from './put-conf.ts';
import type { Wanted } from './verify.ts';
import { wantedSettings } from './wanted.ts';

/** A daemon that answers. */
export type Daemon = Extract<StoreAnswer, { answers: true }>;

/**
 * Asks the daemon, where there is one, whether it answers; undefined: Nix works on the store by itself.
 * Rejects with a {@link Failure} where it does not answer, since nothing can be built then.
 */
export async function askDaemon(nix: Nix): Promise<Daemon | undefined> {
  if (!(await usesDaemon(nix.host.env))) return undefined;
  const end = performance.now() + patience.daemonRestart;
  let answer = await askStore(nix);
  // another run may have its manager restart it just now
  while (!answer.answers && performance.now() < end) {
    await pause(200, undefined, nix.host.signal ? { signal: nix.host.signal } : {});
    answer = await askStore(nix);
  }
  if (answer.answers) return answer;
  throw new Failure(`Nix's daemon does not answer: ${answer.reason}.`, {
    tried: 'to ask the store through the socket, which is there.',
    next:
      'Start it as this machine does (systemctl start nix-daemon), or remove the socket that a ' +
      'daemon has left behind.',
  });
}

/** Why a daemon does not trust this user after all, and what to do. */
interface Reason {
  reason: string;
  next: string;
}

/**
 * Sees to it that the daemon takes settings from this user, and from those that an input names, and asks
 * it again. A trusted user can become root, so that code from a fork makes nobody one. What the daemon
 * does not take in the end is the result.
 *
 * @param before what the daemon said before anything was written
 */
export async function seekTrust(
  before: Daemon,
  { nix, wanted, conf }: Pick<ConfInEffect, 'nix' | 'wanted' | 'conf'>,
  owner: Owner,
): Promise<Difference[]> {
  const { settings } = wanted;
  if (settings.task === 'check') return [];
  const users = await usersToTrust(before, settings, owner);
  if (users.length === 0) return [];
  const lack = settings.cacheRefusal === undefined ? await trust(users, owner, nix) : ofElsewhere;
  const { trustedUsers } = settings.conf;
  if (lack !== undefined && trustedUsers.length > 0) return [namedUsersLack(trustedUsers, lack)];
  const after = await askDaemon(nix);
  if (after === undefined || after.trusted) return [];
  return [untrusted(after, wanted, conf, lack ?? (await whyUnheeded(nix)))];
}

/**
 * Whom a part of this run's has to have the daemon trust: this user, unless the machine's own settings do
 * (what other runs have written there goes with them), and those whom the input names. Empty: there is
 * nothing to write.
 */
export async function usersToTrust(
  { trusted }: Daemon,
  { conf: { trustedUsers } }: SetupSettings,
  owner: Owner,
): Promise<string[]> {
  const { name } = currentUser();
  if (trusted && trustedUsers.length === 0 && !(await isTrustedByRuns(name))) return [];
  const users = [...new Set([name, ...trustedUsers])];
  const isDone = owner.job === undefined && (await saysTrust(users, owner));
  return trusted && isDone ? [] : users;
}

const ofElsewhere: Reason = {
  reason: 'code from elsewhere changes nothing of that',
  next: 'What its builds need is built, or taken from the caches of the machine.',
};

/** Writes whom the daemon is to trust; the result is why it does not yet. */
async function trust(
  users: readonly string[],
  owner: Owner,
  { host }: Nix,
): Promise<Reason | undefined> {
  try {
    const next = await trustUsers(users, owner, host);
    return next === undefined ? undefined : { reason: 'it has not read yet that it is to', next };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { next = "Name this user in trusted-users of the system's nix.conf." } = error.details;
    return { reason: error.message.replace(/\.$/, ''), next };
  }
}

/** Why the daemon does not heed what was written: it is gone by now, or was not read. */
export async function whyUnheeded({ host }: Pick<Nix, 'host'>): Promise<Reason> {
  const user = currentUser().name;
  const isNamed = (await confStatements(host.env)).some(
    ({ name, value }) => /^(extra-)?trusted-users$/.test(name) && value.split(' ').includes(user),
  );
  return isNamed
    ? {
        reason: "it has not read the system's nix.conf since that names the user",
        next: 'Restart it as this machine does: sudo systemctl restart nix-daemon.',
      }
    : {
        reason: "the system's nix.conf was written anew at the daemon's start, without our line",
        next: `Name ${user} in trusted-users where that file is made.`,
      };
}

/** Settings that only the client uses, or that every user may hand to a daemon. */
const everybodys = new Set([
  ...['access-tokens', 'experimental-features', 'connect-timeout', 'fallback', 'max-jobs', 'cores'],
  ...['keep-failed', 'keep-going', 'timeout', 'max-silent-time', 'poll-interval', 'substitute'],
]);

function untrusted(
  { refused }: Daemon,
  { settings, lines }: Wanted,
  conf: EffectiveConf,
  { reason, next }: Reason,
): Difference {
  const lost = wantedSettings(lines, conf)
    .map(({ name }) => name)
    .filter(name => (name === 'substituters' ? refused.length > 0 : !everybodys.has(name)));
  const what = lost.length === 0 ? '' : ` (${lost.join(', ')})`;
  return {
    kind: 'untrusted',
    settings: lost,
    sentence:
      `Nix's daemon does not take the settings of this run${what}: it does not trust the user ` +
      `${currentUser().name} (${reason}).`,
    next,
    inputs: [...new Set(lost.flatMap(name => askedFor(name, settings)))],
  };
}

const namedUsersLack = (users: readonly string[], { reason, next }: Reason): Difference => ({
  kind: 'untrusted',
  settings: ['trusted-users'],
  sentence: `Nix's daemon does not trust ${users.join(', ')}: ${reason}.`,
  next,
  inputs: ['trusted-users'],
});
