import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { patience, retries } from '../../host/limits.ts';
import { eitherSignal } from '../../host/signals.ts';
import { untilAborted } from '../../host/wait.ts';
import { type Release, shownUrl } from './releases.ts';

/** A tarball on disk, or why its server cannot be reached. */
export type Fetched = { file: string } | { unreachable: string };

/** The two talks with a server; a test replaces them. */
export interface Transport {
  /** Resolves when the server answers at all, with whatever status. */
  probe(url: URL, host: Host): Promise<void>;
  /** Writes the body to a file, with retries. A rejection may hold the status as httpStatusCode. */
  download(url: URL, file: string, host: Host): Promise<void>;
}

/** As all of this program talks to servers; the library for that is loaded where it is needed. */
export const transport: Transport = {
  probe: async (url, host) => (await import('./server.ts')).probe(url, host),
  download: async (url, file, host) => (await import('./server.ts')).download(url, file, host),
};

/**
 * Brings the tarball to `file` (a `file:` URL is used where it is) and verifies its checksum.
 * Throws a {@link Failure} when the server has no such file or its bytes are not the ones expected.
 */
export async function fetchTarball(
  release: Release,
  file: string,
  host: Host,
  { probe, download }: Transport = transport,
): Promise<Fetched> {
  const { url } = release;
  if (url.protocol === 'file:') {
    const local = fileURLToPath(url);
    await verify(local, release);
    return { file: local };
  }
  const unreachable = await unreachableReason(url, host, probe);
  if (unreachable !== undefined) return { unreachable };
  try {
    await untilAborted(download(url, file, host), host.signal);
  } catch (error) {
    host.signal?.throwIfAborted();
    const status = httpStatus(error);
    if (status === 404 || status === 410) throw notThere(release, status);
    return { unreachable: reasonOf(error) };
  }
  await verify(file, release);
  return { file };
}

/**
 * Asks the server for a sign of life, twice. The download has retries of its own; a machine without a
 * way to the server should not wait for them.
 */
async function unreachableReason(
  url: URL,
  host: Host,
  probe: Transport['probe'],
): Promise<string | undefined> {
  const { attempts, pause } = retries.releaseServer;
  for (let tried = 1; ; tried += 1) {
    const limit = AbortSignal.timeout(patience.releaseServer);
    try {
      await probe(url, { ...host, signal: eitherSignal(host.signal, limit) });
      return undefined;
    } catch (error) {
      host.signal?.throwIfAborted();
      const late = `no answer in ${patience.releaseServer / 1000} s`;
      if (tried === attempts) return limit.aborted ? late : reasonOf(error);
    }
    await sleep(pause, undefined, host.signal ? { signal: host.signal } : {});
  }
}

/** The status that a server has answered with, where it has. */
function httpStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'httpStatusCode' in error ? error.httpStatusCode : null;
  return typeof status === 'number' ? status : undefined;
}

const reasonOf = (error: unknown): string => {
  const status = httpStatus(error);
  if (status !== undefined) return `HTTP status ${status}`;
  return error instanceof Error ? error.message : String(error);
};

async function verify(file: string, release: Release): Promise<void> {
  const found = await sha256Of(file).catch((error: unknown) => {
    throw new Failure(`The Nix tarball cannot be read: ${reasonOf(error)}`, {
      tried: `${shownUrl(release.url)}.`,
      next: 'Check `nix-release-url`.',
      cause: error,
    });
  });
  if (found === release.sha256) return;
  throw new Failure('The Nix tarball is not the one expected: its checksum differs.', {
    evidence: [`expected sha256 ${release.sha256}`, `found    sha256 ${found}`],
    tried: `${shownUrl(release.url)}. Nothing of it was unpacked.`,
    next:
      'Run again in case the download was damaged; if the tarball is meant to be this one, give ' +
      'its checksum as `nix-release-sha256`.',
  });
}

/** The sha256 of a file in lower-case hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

function notThere(release: Release, status: number): Failure {
  return new Failure('The release server has no such Nix tarball.', {
    tried: `${shownUrl(release.url)} (HTTP status ${status}).`,
    next: 'Check `nix-version` and `nix-release-url`.',
  });
}
