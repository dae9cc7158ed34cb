import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { Failure } from '../../host/failure.ts';
import { atOnce } from '../../host/limits.ts';
import { namesIn, statsAt } from '../../host/presence.ts';
import { compressedBlob } from '../../image/compress.ts';
import { type FramePool, framePool } from '../../image/frames.ts';
import { narBytes } from '../../image/nar-writer.ts';
import { type PathInfo, queryPathInfo } from '../../nix/store.ts';
import type { Nix } from '../../nix/types.ts';

/** A store path in a folder of NARs. */
export interface CachedPath {
  storePath: string;
  /** Bytes on disk, compressed. */
  size: number;
}

/**
 * Everything a binary cache says of a path; no signature, since the folder is read with
 * `trusted=true`. Nix manual, "Binary cache protocol"; FileHash and FileSize may be left out.
 */
export function narinfo(path: string, info: PathInfo): string {
  return [
    `StorePath: ${path}`,
    `URL: ${narFile(path)}`,
    'Compression: zstd',
    `NarHash: ${info.narHash}`,
    `NarSize: ${info.narSize}`,
    `References: ${info.references.map(reference => basename(reference)).join(' ')}`,
    '',
  ].join('\n');
}

/** What the folder holds; nothing where there is none, and nothing that is not whole. */
export async function pathsIn(folder: string): Promise<CachedPath[]> {
  const names = await namesIn(folder);
  const found = await Promise.all(
    names
      .filter(name => name.endsWith('.narinfo'))
      .map(async name => {
        const fields = await readNarinfo(join(folder, name));
        const file = await statsAt(join(folder, fields.URL ?? ''));
        if (!fields.StorePath || !file?.isFile()) return [];
        return [{ storePath: fields.StorePath, size: file.size }];
      }),
  );
  return found.flat();
}

/** Removes what is not in `wanted`, and says what is left. */
export async function keepOnly(folder: string, wanted: ReadonlySet<string>): Promise<CachedPath[]> {
  const paths = await pathsIn(folder);
  for (const { storePath } of paths) {
    if (!wanted.has(storePath)) await removePath(folder, storePath);
  }
  return paths.filter(({ storePath }) => wanted.has(storePath));
}

/**
 * Adds valid store paths, without what they refer to, in the order given, as long as they fit into
 * `room` bytes. One that does not fit is left out; smaller ones may follow. Rejects with a
 * {@link Failure} where a path cannot be read, or is not what the store's database says.
 */
export async function addPaths(
  nix: Nix,
  folder: string,
  paths: readonly string[],
  room: number,
): Promise<{ added: CachedPath[]; leftOut: string[] }> {
  const added: CachedPath[] = [];
  const leftOut: string[] = [];
  if (paths.length === 0) return { added, leftOut };
  await mkdir(join(folder, 'nar'), { recursive: true });
  await writeFile(join(folder, 'nix-cache-info'), cacheInfo(nix));
  const infos = [...(await queryPathInfo(nix, paths))];
  const pool = framePool(availableParallelism());
  let free = room;
  const sizes = inOrder(infos, ([path, info]) => dump(nix, folder, path, info, free, pool));
  for await (const [[storePath, info], size] of sizes) {
    if (size === undefined || size > free) {
      await removePath(folder, storePath);
      leftOut.push(storePath);
      continue;
    }
    await writeFile(narinfoFile(folder, storePath), narinfo(storePath, info));
    free -= size;
    added.push({ storePath, size });
  }
  return { added, leftOut };
}

/** Does the work of a few items at a time; gives each with its result, in their order. */
async function* inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<[Item, Result]> {
  const waiting = [...items];
  const begun: Promise<[Item, Result]>[] = [];
  const begin = () => {
    for (const item of waiting.splice(0, atOnce.nars - begun.length)) {
      const result = work(item).then((value): [Item, Result] => [item, value]);
      result.catch(() => undefined); // it is told in its turn
      begun.push(result);
    }
    return begun[0];
  };
  try {
    for (let next = begin(); next; next = begin()) {
      yield await next;
      begun.shift();
    }
  } finally {
    await Promise.allSettled(begun);
  }
}

/** A low number comes first: this cache is on the disk already. */
const cacheInfo = ({ storeDir }: Nix) => `StoreDir: ${storeDir}\nWantMassQuery: 1\nPriority: 10\n`;

/** Writes the NAR of a path; gives its size in bytes, or nothing where it is larger than `room`. */
async function dump(
  { host: { signal } }: Nix,
  folder: string,
  path: string,
  info: PathInfo,
  room: number,
  pool: FramePool,
): Promise<number | undefined> {
  if (room <= 0) return undefined;
  const nar = compressedBlob(() => narBytes(path), { compression: 'zstd', pool }, signal);
  const file = await open(join(folder, narFile(path)), 'w');
  let size = 0;
  try {
    for await (const chunk of nar) {
      size += chunk.length;
      if (size > room) return undefined;
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  const { diffId } = nar.result();
  if (diffId !== info.narHash) throw changed(path, info.narHash, diffId);
  return size;
}

const changed = (path: string, expected: string, found: string) =>
  new Failure(`${path} is not what the Nix store's database says.`, {
    evidence: [`expected ${expected}`, `found    ${found}`],
    next: `Repair it: nix-store --repair-path ${path}`,
  });

async function removePath(folder: string, storePath: string): Promise<void> {
  await rm(narinfoFile(folder, storePath), { force: true });
  await rm(join(folder, narFile(storePath)), { force: true });
}

async function readNarinfo(file: string): Promise<Partial<Record<string, string>>> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return Object.fromEntries(lines.map(line => line.split(': ', 2)));
}

const hashPart = (path: string) => basename(path).slice(0, 32);

const narFile = (path: string) => `nar/${hashPart(path)}.nar.zst`;

const narinfoFile = (folder: string, path: string) => join(folder, `${hashPart(path)}.narinfo`);
