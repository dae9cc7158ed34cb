import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import querystring from 'node:querystring';
import { Failure } from '../host/failure.ts';
import { lastLines } from '../host/last-lines.ts';
import { isThere } from '../host/presence.ts';
import { readConf } from './conf.ts';
import { runNix } from './nix.ts';
import type { Nix } from './types.ts';

/** Where a Nix keeps its store. */
export interface StorePlace {
  /** What store paths begin with wherever they are written: `builtins.storeDir`. */
  storeDir: string;
  /** The real path of the folder that holds them; another one in a chroot store. */
  place: string;
}

/** Asks Nix where its store is. Rejects with a {@link Failure}. */
export async function findStorePlace(nix: Nix): Promise<StorePlace> {
  const [storeDir, conf] = await Promise.all([askStoreDir(nix), readConf(nix)]);
  const setting = conf.text('store');
  const folder =
    placeOfStore(setting, storeDir) ?? (await placeWithoutRoot(setting, storeDir, nix));
  const place = await realpath(folder).catch((error: unknown) => {
    throw new Failure(`The Nix store ${storeDir} is not in ${folder}, where it should be.`, {
      tried: `Nix's setting \`store\` is ${setting}.`,
      next: 'Use a store of this machine: an image is read from its files.',
      cause: error,
    });
  });
  return { storeDir, place };
}

async function askStoreDir(nix: Nix): Promise<string> {
  const args = ['eval', '--impure', '--raw', '--expr', 'builtins.storeDir'];
  const { code, stdout, stderr } = await runNix(nix, 'nix', args);
  if (code === 0 && stdout.startsWith('/')) return stdout;
  throw new Failure('Nix does not say where its store is.', {
    tried: `nix ${args.join(' ')}.`,
    evidence: lastLines(stderr),
    next: 'Run that command by hand, and correct what it complains about.',
  });
}

/**
 * The folder of a store that keeps its paths elsewhere than they are called, by Nix's setting `store`
 * ("local?root=/x", "/x", "local:///x", "daemon?root=/x", "local?real=/x/store"); undefined where it
 * does not say so.
 */
export function placeOfStore(setting: string, storeDir: string): string | undefined {
  const [address = '', query = ''] = setting.split('?', 2);
  const parameters = new URLSearchParams(query);
  const real = parameters.get('real');
  if (real) return real;
  const ofUrl = /^local:\/\/(\/.+)$/.exec(address)?.[1];
  const path = ofUrl === undefined ? address : querystring.unescape(ofUrl);
  const root = parameters.get('root') || (path.startsWith('/') ? path : '');
  return root === '' ? undefined : join(root, storeDir);
}

/** Where a path of the store really is. */
export const fileOf = (
  path: string,
  { storeDir, place = storeDir }: Pick<Nix, 'storeDir' | 'place'>,
) => `${place}${path.slice(storeDir.length)}`;

/** The folder of the store that a user without root has on a machine without /nix (Nix 2.10 and newer). */
export function homeStore(storeDir: string, env: Nix['host']['env']): string | undefined {
  const data = env.XDG_DATA_HOME ?? (env.HOME && join(env.HOME, '.local/share'));
  return data ? join(data, 'nix/root', storeDir) : undefined;
}

/** Without root and without /nix, "auto" is a store in the user's home (Nix 2.10 and newer). */
async function placeWithoutRoot(
  setting: string,
  storeDir: string,
  { host: { env } }: Nix,
): Promise<string> {
  const inHome = homeStore(storeDir, env);
  if (setting !== 'auto' || !inHome || (await isThere(storeDir))) return storeDir;
  return (await isThere(inHome)) ? inHome : storeDir;
}
