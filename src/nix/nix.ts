import { isAbsolute, join } from 'node:path';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { isExecutable } from '../host/presence.ts';
import type { Command, Finished } from '../host/process.ts';
import { homeFolder } from '../host/user.ts';
import { brokenSettings } from './broken-settings.ts';
import type { Nix } from './types.ts';

/** The oldest Nix that this program works with (Debian 12 has it). */
export const minimumVersion = '2.8';

/** A Nix that has not told its version yet. */
export type MetNix = Omit<Nix, 'version'>;

/**
 * The first Nix that is recent enough: on PATH, else in a place where installers put it. Starts
 * `nix --version` once for each `nix` it meets, so normally once. Rejects with a {@link Failure} where
 * one is there whose settings are broken: any other would read the same.
 *
 * @param meet called with each before it is asked, so that something else can be asked beside
 */
export async function findNix(host: Host, meet?: (nix: MetNix) => void): Promise<Nix | undefined> {
  for (const bin of usualFolders(host.env)) {
    if (!(await isExecutable(join(bin, 'nix-store')))) continue;
    const nix = await nixIn(bin, host, meet);
    if (nix) return nix;
  }
  return undefined;
}

/**
 * The Nix whose programs are in the folder `bin`; undefined where there is none, or one too old.
 * Rejects with a {@link Failure} where its settings are broken.
 */
export async function nixIn(
  bin: string,
  host: Host,
  meet: (nix: MetNix) => void = () => undefined,
): Promise<Nix | undefined> {
  const file = join(bin, 'nix');
  if (!(await isExecutable(file))) return undefined;
  const env = nixEnvironment(host.env);
  const nix = { bin, storeDir: host.env.NIX_STORE_DIR ?? '/nix/store', env, host };
  meet(nix);
  const limit = { what: `an answer of ${file} --version`, ms: patience.program };
  const ask = (variables: Readonly<Record<string, string>>) =>
    host.run({ file, args: ['--version'], env: variables, signal: host.signal, limit });
  const said = await ask(env);
  const told = parseVersion(said.stdout);
  const version = told ?? parseVersion((await ask(noSettings)).stdout);
  if (version === undefined || !isAtLeast(version, minimumVersion)) return undefined;
  if (told === undefined) throw await brokenSettings(bin, said.stderr, host.env);
  return { ...nix, version };
}

/** With these a Nix reads no settings, so that it can be told from a program that is none. */
const noSettings = { NIX_CONFIG: '', NIX_USER_CONF_FILES: '', NIX_CONF_DIR: '/var/empty' };

/**
 * The version in what `nix --version` says: "nix (Nix) 2.8.0", "nix (Determinate Nix 3.8.2) 2.30.2",
 * "nix (Lix, like Nix) 2.93.0", "nix (Nix) 2.25.0pre20240910_abcdef0".
 */
export function parseVersion(said: string): string | undefined {
  return /^nix \(.*\) (\d+\.\d+\S*)/.exec(said)?.[1];
}

/** Whether a version is `minimum` or newer; compares major and minor numbers only. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(part => Number.parseInt(part, 10));
  const [wantedMajor = 0, wantedMinor = 0] = minimum.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** What every Nix process gets: the user's NIX_CONFIG, and on top of it flakes and `nix eval`. */
export function nixEnvironment(env: Host['env']): Record<string, string> {
  const lines = [env.NIX_CONFIG, 'extra-experimental-features = nix-command flakes'];
  // Nix takes an empty HOME for the root of the file system
  const home = env.HOME === '' ? homeFolder(env) : undefined;
  return {
    NIX_CONFIG: lines.filter(line => line !== undefined).join('\n'),
    ...(home === undefined ? {} : { HOME: home }),
  };
}

/**
 * Runs one of Nix's programs ("nix", "nix-store") to its end. Without a `limit` of its own it is a
 * question that has the time of one.
 */
export function runNix(
  nix: MetNix,
  program: 'nix' | 'nix-store',
  args: readonly string[],
  more: Partial<
    Pick<Command, 'cwd' | 'stdin' | 'onOutput' | 'onStderrLine' | 'signal' | 'limit'>
  > = {},
): Promise<Finished> {
  const { signal, run } = nix.host;
  const limit = {
    what: `an answer of ${[program, ...args.filter(isWord).slice(0, 2)].join(' ')}`,
    ms: patience.nixQuery,
    next: 'See whether the store and its daemon answer: nix-store --query --hash with any store path.',
  };
  return run({ file: join(nix.bin, program), args, env: nix.env, signal, limit, ...more });
}

/** An operation or a command of Nix, and not a path, an expression or a value. */
const isWord = (argument: string) => /^[a-z-]+$/.test(argument);

/** Folders to look in: those of PATH, then those of the usual installations. */
function usualFolders(env: Host['env']): string[] {
  const home = env.HOME;
  const ofUser =
    home === undefined
      ? []
      : [join(home, '.nix-profile/bin'), join(home, '.local/state/nix/profile/bin')];
  const folders = [
    ...(env.PATH ?? '').split(':').filter(isAbsolute),
    '/nix/var/nix/profiles/default/bin',
    ...ofUser,
    '/run/current-system/sw/bin',
    '/usr/bin',
  ];
  return [...new Set(folders)];
}
