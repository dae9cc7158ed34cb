import { Failure } from '../host/failure.ts';
import { type Answer, header, headerNumber } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import { isDigest } from '../image/digest.ts';
import type { RegistryClient } from './client.ts';

/** A blob that a repository has. */
export interface FoundBlob {
  /** Bytes; undefined where the registry does not say. */
  size?: number;
}

/** What a repository says of a blob (HEAD); undefined when it has none. */
export async function findBlob(
  client: RegistryClient,
  digest: string,
  signal?: AbortSignal,
): Promise<FoundBlob | undefined> {
  const answer = await client.exchange({
    method: 'HEAD',
    url: client.blobUrl(digest),
    ...(signal ? { signal } : {}),
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw client.refused(answer, `look for the blob ${digest} in`);
  checkSameDigest(client, answer, digest);
  const size = headerNumber(answer, 'content-length', limits.file);
  return size === undefined ? {} : { size };
}

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
