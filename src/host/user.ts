import { type UserInfo, userInfo } from 'node:os';
import { Failure } from './failure.ts';
import type { Host } from './host.ts';

/** Who runs this program. */
export interface User {
  uid: number;
  gid: number;
  /** Its name, or its number where the machine has no account of that, as Nix's daemon has it too. */
  name: string;
  /** The home folder of its account, wherever HOME points. */
  home: string | undefined;
}

/** The user that this process runs as. */
export function currentUser(): User {
  const account = accountOf();
  return {
    uid: process.getuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
    name: account?.username ?? String(process.getuid?.()),
    home: account?.homedir || undefined,
  };
}

/** The home folder by HOME, else by the account; undefined where neither says one. */
export function homeFolder(env: Host['env']): string | undefined {
  return env.HOME || accountOf()?.homedir || undefined;
}

/** The home folder. Throws a {@link Failure} where there is none. */
export function requireHome(env: Host['env']): string {
  const home = homeFolder(env);
  if (home !== undefined) return home;
  throw new Failure('This user has no home folder.', {
    tried: `HOME, which is empty, and the account of the user ${process.getuid?.()}, who has none.`,
    next: 'Set HOME to a folder that this user can write to.',
  });
}

/** Node throws where the machine has no account of this user's number. */
function accountOf(): UserInfo<string> | undefined {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}
