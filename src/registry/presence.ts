import { Failure } from '../host/failure.ts';
import { type Answer, header } from '../host/http/message.ts';
import type { RegistryClient } from './client.ts';

/** Size of a blob that the repository has; undefined when it has not. */
export async function sizeOfBlob(
  client: RegistryClient,
  digest: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const answer = await client.exchange({
    method: 'HEAD',
    url: client.url(`blobs/${digest}`),
    ...(signal ? { signal } : {}),
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw client.refused(answer, `look for the blob ${digest} in`);
  checkSameDigest(client, answer, digest);
  return Number(header(answer, 'content-length') ?? 0);
}

/** @throws Failure when the registry says that it stored something else. */
export function checkSameDigest(client: RegistryClient, answer: Answer, digest: string): void {
  const stated = header(answer, 'docker-content-digest');
  if (stated === undefined || stated === digest) return;
  throw new Failure(`${client.repository} says ${stated} of what was sent as ${digest}.`, {
    tried: 'comparing the digest that the registry states with the one of the bytes',
    next: 'Check the registry and the proxies before it: they change or mix up what they store.',
  });
}
