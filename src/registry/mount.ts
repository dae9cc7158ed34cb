import { Failure } from '../host/failure.ts';
import { type Answer, ConnectionLost, header } from '../host/http/message.ts';
import type { RegistryClient } from './client.ts';
import { checkSameDigest, findBlob } from './presence.ts';
import { cancel, nextSession } from './session.ts';
import { withoutInsisting } from './without-insisting.ts';

/** Makes a blob of another repository of the same registry known in this one; false: it was not done. */
export type Mount = (digest: string, repository: string) => Promise<boolean>;

/**
 * Mounting is a shortcut: whatever keeps it from working, the blob can be uploaded. A repository from
 * which one blob was not mounted is not asked for others, so that the first one goes ahead alone.
 */
export function mountsInto(client: RegistryClient): Mount {
  const lends = new Map<string, Promise<boolean>>();
  return async (digest, repository) => {
    if (repository === client.reference.repository) return false;
    const first = lends.get(repository);
    const isFirst = first === undefined;
    if (!isFirst && !(await first)) return false;
    const mounting = mount(client, digest, repository);
    if (isFirst) lends.set(repository, mounting);
    const isMounted = await mounting;
    if (!isMounted) lends.set(repository, Promise.resolve(false));
    return isMounted;
  };
}

async function mount(client: RegistryClient, digest: string, repository: string): Promise<boolean> {
  try {
    const answer = await askToMount(client, digest, repository);
    if (answer.status === 202) await cancel(client, nextSession(answer, 0));
    if (answer.status !== 201) return false;
    checkSameDigest(client, answer, digest);
    // without a word about what was mounted, it may be nothing
    const isSure = header(answer, 'docker-content-digest') !== undefined;
    return isSure || (await findBlob(client, digest)) !== undefined;
  } catch (error) {
    client.signal?.throwIfAborted();
    if (error instanceof Failure || error instanceof ConnectionLost) return false;
    throw error;
  }
}

function askToMount(client: RegistryClient, digest: string, from: string): Promise<Answer> {
  const url = client.uploadsUrl();
  url.search = new URLSearchParams({ mount: digest, from }).toString();
  return withoutInsisting(client, { method: 'POST', url, scope: `repository:${from}:pull` });
}
