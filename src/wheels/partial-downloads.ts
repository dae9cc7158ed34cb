import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host/host.ts';
import { age, isRunning } from '../host/partial-files.ts';
import type { Downloaded } from './download.ts';

/** A download that is under way, or was when its process ended. */
export interface Partial {
  url: string;
  /** Its bytes so far. */
  file: string;
  readonly state: PartialState;
  /** Starts over with a file that has this validator. */
  begin(validator: string | undefined): Promise<void>;
  /** Keeps the result in place of the bytes, for when this process does not come to its end. */
  finish(result: Downloaded): Promise<void>;
}

interface PartialState {
  /** An entity tag or a date, as HTTP has them. */
  validator?: string | undefined;
  result?: Downloaded | undefined;
}

/** After this long, in ms, nobody comes back for a download. */
const abandonedAfter = 24 * 3600 * 1000;
const folderName = /^[0-9a-f]{32}\.(\d+)$/;

/** Where downloads lie while they are under way: in the user's cache (XDG base directories). */
export function downloadFolder(env: Host['env'], temporaryDirectory: string): string {
  const cache = env.XDG_CACHE_HOME || (env.HOME ? join(env.HOME, '.cache') : temporaryDirectory);
  return join(cache, 'comfy-nix', 'downloads');
}

/**
 * Takes up the download of an address, or begins one. Each has a folder whose name tells the process
 * that writes it; the folder of a process that has ended is claimed by renaming it, so that no two
 * processes ever write one file.
 */
export async function claimPartial(parent: string, url: string): Promise<Partial> {
  const key = createHash('sha256').update(url).digest('hex').slice(0, 32);
  const folder = join(parent, `${key}.${process.pid}`);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const pid = ownerOf(name);
    if (!name.startsWith(`${key}.`) || pid === undefined || isRunning(pid)) continue;
    const claimed = await rename(join(parent, name), folder).then(
      () => true,
      () => false,
    );
    if (claimed) break;
  }
  await mkdir(folder, { recursive: true });
  const state = await readState(folder);
  return openPartial(folder, url, state);
}

function openPartial(folder: string, url: string, state: PartialState): Partial {
  const file = join(folder, 'bytes');
  const save = () => writeFile(join(folder, 'state.json'), JSON.stringify(state));
  return {
    url,
    file,
    state,
    begin: async validator => {
      Object.assign(state, { validator, result: undefined });
      await save();
    },
    finish: async result => {
      state.result = result;
      await save();
      await rm(file);
    },
  };
}

async function readState(folder: string): Promise<PartialState> {
  try {
    return JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as PartialState;
  } catch {
    return {};
  }
}

/** Removes this process's downloads, which have done their work, and those left long ago. */
export async function removePartials(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const pid = ownerOf(name);
    if (pid === undefined) continue;
    const path = join(parent, name);
    const left = pid !== process.pid && !isRunning(pid) && (await age(path, now)) > abandonedAfter;
    if (pid === process.pid || left) await rm(path, { recursive: true, force: true });
  }
}

function ownerOf(name: string): number | undefined {
  const [, pid] = folderName.exec(name) ?? [];
  return pid === undefined ? undefined : Number(pid);
}
