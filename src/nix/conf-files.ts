import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
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

const ours = 'comfy-nix.conf';
const oursSecret = 'comfy-nix-secrets.conf';
const oursNetrc = 'comfy-nix-netrc';
const oursKey = 'comfy-nix-builder-key';

/**
 * Writes settings to a place where every Nix of this user reads them; what the user has there stays.
 * Gives the variables that Nix needs to find them. Rejects with a {@link Failure}.
 *
 * A trusted user's settings reach a daemon too: the client hands it all that does not come from the
 * system's nix.conf (Nix manual, "nix.conf", "Configuration file").
 */
export async function writeConf(
  conf: ConfLines,
  place: ConfPlace,
  env: Host['env'],
): Promise<Record<string, string>> {
  const folder = place.kind === 'folder' ? place.folder : userConfFolder(env);
  try {
    await mkdir(folder, { recursive: true });
    await writeOurs(conf, folder);
    if (place.kind === 'user') {
      await includeFrom(join(folder, 'nix.conf'));
      return {};
    }
  } catch (error) {
    throw new Failure(`The settings of Nix could not be written: ${(error as Error).message}`, {
      tried: `to write ${ours} and an "!include" of it in ${folder}.`,
      next: `Make ${folder} writable, or put the settings into your nix.conf yourself.`,
      cause: error,
    });
  }
  return { NIX_USER_CONF_FILES: [join(folder, ours), ...userFiles(env, folder)].join(':') };
}

/**
 * Takes back what an earlier run has written beside the user's nix.conf, secrets too, so that the
 * settings in effect are the user's. An include of a file that is not there means nothing to Nix.
 */
export async function withdrawConf(place: ConfPlace, env: Host['env']): Promise<void> {
  if (place.kind === 'folder') return;
  for (const name of [ours, oursSecret, oursNetrc, oursKey]) {
    await rm(join(userConfFolder(env), name), { force: true });
  }
}

/** The file that {@link writeConf} writes; it includes those with secrets. */
export function confFile(place: ConfPlace, env: Host['env']): string {
  return join(place.kind === 'folder' ? place.folder : userConfFolder(env), ours);
}

/** Where the private key for builders belongs, so that it is there as long as the settings are. */
export function builderKeyFile(place: ConfPlace, env: Host['env']): string {
  return join(place.kind === 'folder' ? place.folder : userConfFolder(env), oursKey);
}

async function writeOurs({ lines, secret, netrc }: ConfLines, folder: string): Promise<void> {
  if (secret.length > 0) await replace(join(folder, oursSecret), secret, 0o600);
  if (netrc.length > 0) await replace(join(folder, oursNetrc), netrc, 0o600);
  const text = [
    '# Written by comfy-nix; the next run writes it anew.',
    ...(netrc.length === 0 ? [] : [`netrc-file = ${join(folder, oursNetrc)}`]),
    ...lines,
    ...(secret.length === 0 ? [] : [`!include ${oursSecret}`]),
  ];
  // an address may have a login in it
  await replace(join(folder, ours), text, 0o600);
}

/** A whole file at once, so that a Nix that runs meanwhile never reads half of it. */
async function replace(file: string, lines: readonly string[], mode: number): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, `${lines.join('\n')}\n`, { mode });
  await rename(fresh, file);
}

/** Sees to it that a nix.conf ends by including our file, if it does not include it already. */
async function includeFrom(file: string): Promise<void> {
  const present = await readFile(file, 'utf8').catch(ignoreMissing);
  const line = includeLine(present ?? '');
  if (line !== '') await appendFile(file, line);
}

/** What is to be added to a nix.conf so that it includes our file; empty: it does. */
export function includeLine(present: string): string {
  if (present.split('\n').some(line => line.trim() === `!include ${ours}`)) return '';
  return `${present === '' || present.endsWith('\n') ? '' : '\n'}!include ${ours}\n`;
}

/**
 * The user's own files, as Nix looks for them: the first wins. One of ours from an earlier step of this
 * job is not among them.
 */
function userFiles(env: Host['env'], folder: string): string[] {
  return userConfFiles(env).filter(file => file !== join(folder, ours));
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
