import { mkdir, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../host/failure.ts';
import { changeForeignFile, isInStore, readForeignFile } from '../host/foreign-file.ts';
import { freshName, ownHands } from '../host/hands.ts';
import type { Host } from '../host/host.ts';
import { removeAbandoned } from '../host/partial-files.ts';
import { isWritable } from '../host/presence.ts';
import { warn } from '../host/say.ts';
import { accountOwner, putPart, type SharedFile, takePart } from '../host/shared-file.ts';
import { requireHome } from '../host/user.ts';
import { writePrivate } from '../host/whole-file.ts';
import { excludeFromNix, includeInNix, includesOurs, ourFile } from './include-line.ts';
import { userConfFiles, userConfFolder } from './user-files.ts';

/** Settings to write. Secrets go into files of their own that only this user can read. */
export interface ConfLines {
  lines: readonly string[];
  /** Lines of nix.conf that hold secrets. */
  secret: readonly string[];
  /** Lines of a netrc file; empty: none is named. */
  netrc: readonly string[];
}

/**
 * Where settings go:
 * - `folder`: files in a folder of this run or job, which NIX_USER_CONF_FILES names before the user's
 *   own files; they are gone when the folder is;
 * - `user`: beside the user's nix.conf, which gets one line that includes them.
 */
export type ConfPlace = { kind: 'folder'; folder: string } | { kind: 'user' };

const oursSecret = 'comfy-nix-secrets.conf';
const oursNetrc = 'comfy-nix-netrc';
const oursKey = 'comfy-nix-builder-key';

/** What came of writing settings. */
export interface WrittenConf {
  /** The variables that Nix needs to find them. */
  env: Record<string, string>;
  /** What the user has to do before Nix finds them without those; undefined: nothing. */
  advice?: string;
}

/**
 * Writes settings to a place where every Nix of this user reads them; what the user has there stays.
 * A nix.conf that may not be changed (it lies in a Nix store, for one) stays as it is; then the settings
 * are read by a variable. Rejects with a {@link Failure}.
 *
 * A trusted user's settings reach a daemon too: the client hands it all that does not come from the
 * system's nix.conf (Nix manual, "nix.conf", "Configuration file").
 */
export async function writeConf(
  conf: ConfLines,
  place: ConfPlace,
  host: Host,
): Promise<WrittenConf> {
  const folder = await folderOf(place, host.env);
  const byVariable = {
    NIX_USER_CONF_FILES: [join(folder, ourFile), ...userFiles(host.env, folder)].join(':'),
  };
  try {
    await mkdir(folder, { recursive: true });
    const text = ourText(conf, folder);
    if (place.kind === 'folder') {
      await writePrivately(conf, folder);
      // an address may have a login in it
      await writePrivate(join(folder, ourFile), text);
      return { env: byVariable };
    }
    const { shared, kept } = userFile(folder, host, conf);
    await putPart(shared, accountOwner(), text, host);
    const reason = whyUnread(folder, kept(), host.env);
    if (reason === undefined) return { env: {} };
    return { env: byVariable, advice: adviceFor(reason, folder, host.env) };
  } catch (error) {
    throw new Failure(`The settings of Nix could not be written: ${(error as Error).message}`, {
      tried: `to write ${ourFile} and an "!include" of it in ${folder}.`,
      next: `Make ${folder} writable, or put the settings into your nix.conf yourself.`,
      cause: error,
    });
  }
}

/**
 * Takes back what an earlier run has written beside the user's nix.conf, secrets too, so that the
 * settings in effect are the user's, and what a run that was killed has left. An include of a file that is not there means nothing to Nix.
 */
export async function withdrawConf(place: ConfPlace, env: Host['env']): Promise<void> {
  if (place.kind === 'folder') return;
  const folder = await folderOf(place, env);
  for (const name of [ourFile, oursSecret, oursNetrc, oursKey]) {
    const file = join(folder, name);
    for (const each of [file, freshName(file)]) await rm(each, { force: true });
  }
  await removeAbandoned(folder);
}

/** Takes all of it back, the line in the user's nix.conf too. Gives whether there was anything. */
export async function removeConf(host: Host): Promise<boolean> {
  const place: ConfPlace = { kind: 'user' };
  const { shared } = userFile(await folderOf(place, host.env), host);
  const changed = await takePart(shared, accountOwner().id, host);
  await withdrawConf(place, host.env);
  return changed;
}

/** The file that {@link writeConf} writes; it includes those with secrets. */
export async function confFile(place: ConfPlace, env: Host['env']): Promise<string> {
  return join(await folderOf(place, env), ourFile);
}

/** Where the private key for builders belongs, so that it is there as long as the settings are. */
export async function builderKeyFile(place: ConfPlace, env: Host['env']): Promise<string> {
  return join(await folderOf(place, env), oursKey);
}

/** The file beside the user's nix.conf, and why that one is left alone, once it was to be changed. */
function userFile(folder: string, host: Host, conf?: ConfLines) {
  const hands = ownHands(host);
  const file = join(userConfFolder(host.env), 'nix.conf');
  let reason: string | undefined;
  const shared: SharedFile = {
    file: join(folder, ourFile),
    what: 'the settings of this user',
    hands,
    include: async () => {
      // our file names them
      if (conf) await writePrivately(conf, folder);
      // its owner can have said the line himself, wherever our file is
      const stays = { kept: 'its folder cannot be written to' };
      const change =
        dirname(file) === folder
          ? await changeForeignFile(file, includeInNix, hands)
          : includesOurs((await readForeignFile(file, hands)) ?? '') || stays;
      if (typeof change === 'object') reason = change.kept;
    },
    exclude: async () => {
      const change = await changeForeignFile(file, excludeFromNix, hands);
      if (typeof change !== 'object') return;
      const message = `${file} still includes ${ourFile}, which is not there any more: ${change.kept}.`;
      warn(host, message);
    },
  };
  return { shared, kept: () => reason };
}

/** Why Nix does not read our file; undefined where it does. */
function whyUnread(
  folder: string,
  kept: string | undefined,
  { NIX_USER_CONF_FILES: files, ...env }: Host['env'],
): string | undefined {
  if (!files) return kept;
  const stated = files.split(':');
  if (stated.includes(join(folder, ourFile))) return undefined;
  return stated.includes(join(userConfFolder(env), 'nix.conf'))
    ? kept
    : 'Nix does not read it (NIX_USER_CONF_FILES names other files)';
}

function adviceFor(reason: string, folder: string, env: Host['env']): string {
  const file = join(userConfFolder(env), 'nix.conf');
  return (
    `${file} stays as it is, since ${reason}. Add the line "!include ${join(folder, ourFile)}" ` +
    'where that file is made (home-manager: nix.extraOptions), or have your shell set ' +
    `NIX_USER_CONF_FILES=${join(folder, ourFile)}:${userFiles(env, folder).join(':')}`
  );
}

async function writePrivately({ secret, netrc }: ConfLines, folder: string): Promise<void> {
  if (secret.length > 0) await writePrivate(join(folder, oursSecret), textOf(secret));
  if (netrc.length > 0) await writePrivate(join(folder, oursNetrc), textOf(netrc));
}

function ourText({ lines, secret, netrc }: ConfLines, folder: string): string {
  return textOf([
    ...(netrc.length === 0 ? [] : [`netrc-file = ${join(folder, oursNetrc)}`]),
    ...lines,
    ...(secret.length === 0 ? [] : [`!include ${oursSecret}`]),
  ]);
}

const textOf = (lines: readonly string[]) => lines.map(line => `${line}\n`).join('');

/** Where our files are: beside the user's, or among the state of programs where that is not ours to fill. */
async function folderOf(place: ConfPlace, env: Host['env']): Promise<string> {
  if (place.kind === 'folder') return place.folder;
  const folder = userConfFolder(env);
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined) return folder;
  const isOurs = !isInStore(real) && (await isWritable(real));
  const state = env.XDG_STATE_HOME || join(requireHome(env), '.local/state');
  return isOurs ? folder : join(state, 'comfy-nix/nix');
}

/** The user's own files, of which the first wins. One of ours from an earlier step is not among them. */
const userFiles = (env: Host['env'], folder: string): string[] =>
  userConfFiles(env).filter(file => file !== join(folder, ourFile));
