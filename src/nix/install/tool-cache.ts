import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { once } from '../../host/once.ts';
import { overhear } from '../../host/overhear.ts';
import { sha256Of, type Transport } from './download.ts';
import type { Release } from './releases.ts';

const fileName = 'nix.tar.xz';

/**
 * Has the release come from the runner's tool cache where that is kept from job to job: on machines of
 * one's own. A release is found there by its checksum, and what does not have it counts as missing. A
 * tool cache that cannot be written to costs nothing but the next download.
 */
export function throughToolCache(
  release: Release,
  system: string,
  { env }: Host,
  server: Transport,
): Transport {
  const isKept = env.RUNNER_ENVIRONMENT === 'self-hosted' && env.RUNNER_TOOL_CACHE;
  const { version, sha256 } = release;
  // the library finds versions of three numbers alone
  if (!isKept || version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) return server;
  const tool = `nix-${sha256}`;
  const kept = once(() => findKept(tool, version, system, sha256));
  return {
    async probe(url, host) {
      if ((await kept()) === undefined) await server.probe(url, host);
    },
    async download(url, file, host) {
      const there = await kept();
      if (there !== undefined) return copyFile(there, file);
      await server.download(url, file, host);
      // what a server sends instead of the release is not kept
      if ((await sha256Of(file)) === sha256) await keep(file, tool, version, system);
    },
  };
}

async function findKept(tool: string, version: string, system: string, sha256: string) {
  const { find } = await import('@actions/tool-cache');
  const { value: folder } = await overhear(async () => find(tool, version, system));
  const file = join(folder, fileName);
  if (folder === '' || (await sha256Of(file).catch(() => '')) !== sha256) return undefined;
  return file;
}

async function keep(file: string, tool: string, version: string, system: string): Promise<void> {
  const { cacheFile } = await import('@actions/tool-cache');
  await overhear(() => cacheFile(file, fileName, tool, version, system)).catch(() => undefined);
}
