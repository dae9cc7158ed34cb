import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { type Lock, tryLockInPlace } from '../host/lock.ts';
import { namesIn, statsAt, textAt } from '../host/presence.ts';
import { sriPattern } from './lock.ts';
import type { SourceNeeds } from './sources/needs.ts';
import type { WheelTree } from './tree/hash.ts';

/** What a file was found to be. */
export interface Downloaded {
  /** Hex. */
  sha256: string;
  /** Bytes. */
  size: number;
  /** What the wheel's tree is, where that was asked, or why it has none. */
  tree?: WheelTree | { refused: string } | undefined;
  /** What a source archive needs, or why that cannot be read. */
  needs?: SourceNeeds | { refused: string } | undefined;
}

/** A download that is under way: nobody else writes it until it is released. */
export interface Partial {
  url: string;
  /** Where its files lie. */
  folder: string;
  /** Its bytes so far. */
  file: string;
  readonly state: PartialState;
  /** Starts over with a file that has this validator. */
  begin(validator: string | undefined): Promise<void>;
  /** Keeps the result in place of the bytes, for when this process does not come to its end. */
  finish(result: Downloaded): Promise<void>;
  /** Leaves it to whoever wants it next. */
  release(): void;
}

const stateSchema = v.object({
  /** An entity tag or a date, as HTTP has them. */
  validator: v.optional(v.string()),
  result: v.optional(
    v.object({
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      tree: v.optional(
        v.union([
          v.object({
            unpacked: v.pipe(v.string(), v.regex(sriPattern)),
            leftOut: v.array(v.string()),
          }),
          v.object({ refused: v.string() }),
        ]),
      ),
      needs: v.optional(
        v.union([
          v.object({ buildRequires: v.array(v.string()), requires: v.array(v.string()) }),
          v.object({ refused: v.string() }),
        ]),
      ),
    }),
  ),
});
type PartialState = v.InferOutput<typeof stateSchema>;

const folderName = /^[0-9a-f]{32}\.[0-9a-f]+$/;

/** Where downloads lie while they are under way: in the user's cache (XDG base directories). */
export function downloadFolder(env: Host['env'], temporaryDirectory: string): string {
  const cache = env.XDG_CACHE_HOME || (env.HOME ? join(env.HOME, '.cache') : temporaryDirectory);
  return join(cache, 'comfy-nix', 'downloads');
}

/**
 * Takes up the download of an address, or begins one. Each has a folder with a lock in it, so that no
 * two processes, of whatever container, ever write one file.
 */
export async function claimPartial(parent: string, url: string): Promise<Partial> {
  const key = createHash('sha256').update(url).digest('hex').slice(0, 32);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (!folderName.test(name) || !name.startsWith(`${key}.`)) continue;
    const lock = await lockIn(join(parent, name));
    if (lock) return openPartial(join(parent, name), url, lock);
  }
  for (;;) {
    const folder = join(parent, `${key}.${randomBytes(8).toString('hex')}`);
    await mkdir(folder);
    const lock = await lockIn(folder);
    // another run may have taken the new folder for one that was left
    if (lock) return openPartial(folder, url, lock);
  }
}

/** The lock of a download that nobody is at, and that is still there. */
const lockIn = (folder: string): Promise<Lock | undefined> =>
  tryLockInPlace(join(folder, 'lock')).catch(() => undefined);

async function openPartial(folder: string, url: string, lock: Lock): Promise<Partial> {
  const state = await readState(folder);
  const file = join(folder, 'bytes');
  const save = () => writeFile(join(folder, 'state.json'), JSON.stringify(state));
  return {
    url,
    folder,
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
    release: lock.release,
  };
}

/** A state that was cut short, or that is another program's, counts as none. */
async function readState(folder: string): Promise<PartialState> {
  try {
    const text = await textAt(join(folder, 'state.json'));
    return v.parse(stateSchema, JSON.parse(text ?? ''));
  } catch {
    return {};
  }
}

/** Bytes that downloads of this folder have got so far. */
export async function partialBytes(parent: string): Promise<number> {
  const names = await namesIn(parent);
  const files = await Promise.all(names.map(name => statsAt(join(parent, name, 'bytes'))));
  return files.reduce((sum, stats) => sum + (stats?.size ?? 0), 0);
}

/** Removes downloads that have done their work, and those left long ago, unless somebody is at them. */
export async function removePartials(
  parent: string,
  done: ReadonlySet<string>,
  now: number,
): Promise<void> {
  for (const name of await namesIn(parent)) {
    const folder = join(parent, name);
    if (!folderName.test(name)) continue;
    if (!done.has(folder) && (await age(folder, now)) <= patience.forDownload) continue;
    const lock = await lockIn(folder);
    if (lock) await rm(folder, { recursive: true, force: true });
    lock?.release();
  }
}

/** Milliseconds since something was put into a folder; 0 when it is gone. */
async function age(folder: string, now: number): Promise<number> {
  const stats = await statsAt(folder);
  return stats ? now - stats.mtimeMs : 0;
}
