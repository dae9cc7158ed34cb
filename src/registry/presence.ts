import { Failure } from '../host/failure.ts';
import {
  type Answer,
  abandon,
  ConnectionLost,
  header,
  headerNumber,
  wholeNumber,
} from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import { isDigest } from '../image/digest.ts';
import type { RegistryClient } from './client.ts';

/** A blob that a repository has. */
export interface FoundBlob {
  /** Bytes; undefined where the registry does not say. */
  size?: number;
}

/** Answers to HEAD that say nothing of the blob: some registries, and stores behind them, take only GET. */
const unclear = [400, 401, 403, 405, 501];

/**
 * What a repository says of a blob (HEAD, and the first byte where that is not answered); undefined when
 * it has none, or does not tell.
 */
export async function findBlob(
  client: RegistryClient,
  digest: string,
  signal?: AbortSignal,
): Promise<FoundBlob | undefined> {
  const url = client.blobUrl(digest);
  const answer = await client.exchange({ method: 'HEAD', url, ...(signal ? { signal } : {}) });
  if (answer.status === 404) return undefined;
  if (unclear.includes(answer.status)) return findByReading(client, digest, signal);
  if (answer.status === 204) return {};
  if (answer.status !== 200) throw client.refused(answer, `look for the blob ${digest} in`);
  checkSameDigest(client, answer, digest);
  return ofSize(headerNumber(answer, 'content-length', limits.file));
}

async function findByReading(
  client: RegistryClient,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<FoundBlob | undefined> {
  const headers = { range: 'bytes=0-0' };
  const response = await client
    .send({ method: 'GET', url: client.blobUrl(digest), headers, signal })
    .catch(nothingWhenLost);
  if (response === undefined) return undefined;
  await abandon(response).catch(nothingWhenLost);
  if (response.status === 200) return ofSize(headerNumber(response, 'content-length', limits.file));
  if (response.status !== 206) return undefined;
  const [, all] = /\/(\d+)\s*$/.exec(header(response, 'content-range') ?? '') ?? [];
  return ofSize(wholeNumber(all, limits.file));
}

/** What cannot be asked is not known; the request that needs an answer tries again. */
function nothingWhenLost(error: unknown): undefined {
  if (!(error instanceof ConnectionLost)) throw error;
}

const ofSize = (size: number | undefined): FoundBlob => (size === undefined ? {} : { size });

/** @throws Failure when the registry says that it stored something else. */
export function checkSameDigest(client: RegistryClient, answer: Answer, digest: string): void {
  const stated = header(answer, 'docker-content-digest');
  if (stated === undefined || stated === digest) return;
  const said = isDigest(stated) ? stated : 'no sha256 digest';
  throw new Failure(`${client.repository} says ${said} of what has the digest ${digest}.`, {
    tried: 'comparing the digest that the registry states with the one of the bytes',
    next: 'Check the registry and the proxies before it: they change or mix up what they store.',
  });
}
