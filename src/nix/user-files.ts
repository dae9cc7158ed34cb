import { statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../host/host.ts';

/**
 * The user's home as Nix has it (src/libutil/unix/users.cc, getHome; 2.10 and newer): HOME, unless that
 * belongs to another user, as under `sudo -E` and in containers of a workflow; then the one that the
 * machine's table of users names.
 */
export function nixHome({ HOME: home }: Host['env']): string {
  if (!home) return homedir();
  return ownerOf(home) === undefined || ownerOf(home) === process.geteuid?.()
    ? home
    : homeInTable(home);
}

/** The user id that a folder belongs to; undefined where there is no such folder. */
function ownerOf(folder: string): number | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.uid;
  } catch {
    return -1; // a folder that cannot be looked at is not used by Nix either
  }
}

function homeInTable(otherwise: string): string {
  try {
    return userInfo().homedir;
  } catch {
    return otherwise; // this user is in no table
  }
}

/** The folder of this user's nix.conf. */
export function userConfFolder(env: Host['env']): string {
  const { NIX_CONFIG_HOME: stated, XDG_CONFIG_HOME: config } = env;
  return stated || join(config || join(nixHome(env), '.config'), 'nix');
}

/**
 * The files in which Nix looks for this user's settings (src/libstore/globals.cc,
 * getUserConfigFiles): the first wins. What NIX_USER_CONF_FILES names takes the place of all others.
 */
export function userConfFiles(env: Host['env']): string[] {
  const stated = env.NIX_USER_CONF_FILES?.split(':').filter(file => file !== '');
  if (stated !== undefined) return stated;
  const shared = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').map(each => join(each, 'nix'));
  return [userConfFolder(env), ...shared].map(folder => join(folder, 'nix.conf'));
}
