import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure } from '../../host/failure.ts';
import { runNix } from '../../nix/nix.ts';
import { type PathInfo, queryPathInfo } from '../../nix/store.ts';
import type { Nix } from '../../nix/types.ts';

/** A store path in a folder of NARs. */
export interface CachedPath {
  storePath: string;
  /** Bytes on disk, compressed. */
  size: number;
}

/** How NARs are packed. */
export type Packing = 'zstd' | 'none';

/**
 * Everything a binary cache says of a path; no signature, since the folder is read with
 * `trusted=true`. Nix manual, "Binary cache protocol"; FileHash and FileSize may be left out.
 */
export function narinfo(path: string, info: PathInfo & { narHash: string }, packing: Packing) {
  return [
    `StorePath: ${path}`,
    `URL: ${narFile(path, packing)}`,
    `Compression: ${packing}`,
    `NarHash: ${info.narHash}`,
    `NarSize: ${info.narSize}`,
    `References: ${info.references.map(reference => basename(reference)).join(' ')}`,
    '',
  ].join('\n');
}

/** zstd, as fast as the machine allows, where it is installed; hosted runners have it. */
export async function choosePacking(nix: Nix): Promise<Packing> {
  const { run, signal } = nix.host;
  return run({ file: 'zstd', args: ['--version'], signal }).then(
    ({ code }) => (code === 0 ? 'zstd' : 'none'),
    () => 'none',
  );
}

/** What the folder holds; nothing where there is none, and nothing that is not whole. */
export async function pathsIn(folder: string): Promise<CachedPath[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names
      .filter(name => name.endsWith('.narinfo'))
      .map(async name => {
        const fields = await readNarinfo(join(folder, name));
        const file = await stat(join(folder, fields.URL ?? '')).catch(() => undefined);
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
 * `room` bytes. One that does not fit is left out; smaller ones may follow.
 */
export async function addPaths(
  nix: Nix,
  folder: string,
  paths: readonly string[],
  room: number,
  packing: Packing,
): Promise<{ added: CachedPath[]; leftOut: string[] }> {
  const added: CachedPath[] = [];
  const leftOut: string[] = [];
  if (paths.length === 0) return { added, leftOut };
  await mkdir(join(folder, 'nar'), { recursive: true });
  await writeFile(join(folder, 'nix-cache-info'), cacheInfo(nix));
  const infos = await describe(nix, paths);
  let free = room;
  for (const [storePath, info] of infos) {
    const size = free > 0 ? await dump(nix, folder, storePath, packing) : Number.POSITIVE_INFINITY;
    if (size > free) {
      await removePath(folder, storePath);
      leftOut.push(storePath);
      continue;
    }
    await writeFile(narinfoFile(folder, storePath), narinfo(storePath, info, packing));
    free -= size;
    added.push({ storePath, size });
  }
  return { added, leftOut };
}

/** A low number comes first: this cache is on the disk already. */
const cacheInfo = ({ storeDir }: Nix) => `StoreDir: ${storeDir}\nWantMassQuery: 1\nPriority: 10\n`;

/** Sizes, references and hashes, in the order of `paths`. */
async function describe(nix: Nix, paths: readonly string[]) {
  const infos = await queryPathInfo(nix, paths);
  const described = new Map<string, PathInfo & { narHash: string }>();
  for (let at = 0; at < paths.length; at += 1000) {
    const some = paths.slice(at, at + 1000);
    const { code, stdout, stderr } = await runNix(nix, 'nix-store', ['--query', '--hash', ...some]);
    if (code !== 0) throw new Failure('The Nix store did not tell hashes.', { evidence: [stderr] });
    const hashes = stdout.split('\n');
    for (const [index, path] of some.entries()) {
      const info = infos.get(path);
      const narHash = hashes[index];
      if (info && narHash) described.set(path, { ...info, narHash });
    }
  }
  return described;
}

/** Writes the NAR of a path; gives its size in bytes. */
async function dump(nix: Nix, folder: string, path: string, packing: Packing): Promise<number> {
  const file = join(folder, narFile(path, packing));
  const script =
    packing === 'zstd'
      ? 'set -o pipefail; "$0" --dump "$1" | zstd -q -T0 -f -o "$2"'
      : '"$0" --dump "$1" >"$2"';
  const { run, signal } = nix.host;
  const args = ['-c', script, join(nix.bin, 'nix-store'), path, file];
  const { code, stderr } = await run({ file: 'bash', args, env: nix.env, signal });
  if (code === 0) return (await stat(file)).size;
  await rm(file, { force: true });
  throw new Failure(`${path} could not be written to ${file}.`, {
    evidence: stderr.trim().split('\n').slice(-3),
  });
}

async function removePath(folder: string, storePath: string): Promise<void> {
  await rm(narinfoFile(folder, storePath), { force: true });
  for (const packing of ['zstd', 'none'] as const) {
    await rm(join(folder, narFile(storePath, packing)), { force: true });
  }
}

async function readNarinfo(file: string): Promise<Partial<Record<string, string>>> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return Object.fromEntries(lines.map(line => line.split(': ', 2)));
}

const hashPart = (path: string) => basename(path).slice(0, 32);

const narFile = (path: string, packing: Packing) =>
  `nar/${hashPart(path)}.nar${packing === 'zstd' ? '.zst' : ''}`;

const narinfoFile = (folder: string, path: string) => join(folder, `${hashPart(path)}.narinfo`);
