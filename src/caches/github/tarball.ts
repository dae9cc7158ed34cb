import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Transport } from '../../nix/install/download.ts';
import type { CacheService } from './service.ts';

/** The tarball of a Nix release on its way through the cache. */
export interface CachedTarball {
  /** Where it is kept; absolute. */
  file: string;
  /** Lower-case hex. */
  sha256: string;
  key: string;
}

/**
 * Asks the cache before the release server, and only when Nix must be installed at all. `keep` is
 * called when the tarball came from the server.
 */
export function cachedTransport(
  tarball: CachedTarball,
  service: CacheService,
  server: Transport,
  keep: (tarball: CachedTarball) => void,
): Transport {
  let restored: Promise<boolean> | undefined;
  const isThere = () => {
    restored ??= restore(tarball, service);
    return restored;
  };
  return {
    async probe(url, host) {
      if (!(await isThere())) await server.probe(url, host);
    },
    async download(url, file, host) {
      if (await isThere()) return copyFile(tarball.file, file);
      await server.download(url, file, host);
      await mkdir(dirname(tarball.file), { recursive: true });
      await copyFile(file, tarball.file);
      keep(tarball);
    },
  };
}

/** Whether the file is there and is the one expected: what is wrong once must not stay so. */
export async function isWhole({ file, sha256 }: CachedTarball): Promise<boolean> {
  const hash = createHash('sha256');
  return pipeline(createReadStream(file), hash).then(
    () => hash.digest('hex') === sha256,
    () => false,
  );
}

async function restore(tarball: CachedTarball, service: CacheService): Promise<boolean> {
  await rm(tarball.file, { force: true });
  const key = await service.restore([dirname(tarball.file)], tarball.key, []);
  return key !== undefined && isWhole(tarball);
}
