import { Failure } from '../host/failure.ts';
import { download, type Part } from '../host/http/download.ts';
import { ConnectionLost } from '../host/http/message.ts';
import type { Descriptor } from '../image/types.ts';
import type { RegistryClient } from './client.ts';

/**
 * A blob's bytes from `start` on. A broken connection is resumed where it broke (Range), so the
 * stream ends either complete or with a Failure.
 */
export function downloadBlob(
  client: RegistryClient,
  { digest, size }: Descriptor,
  start = 0,
): AsyncGenerator<Buffer> {
  return download({
    ask: headers => client.send({ method: 'GET', url: client.blobUrl(digest), headers }),
    policy: client.policy,
    signal: client.signal,
    start,
    size,
    validator: 'always the same',
    begin: async ({ total = size }: Part) => {
      if (total !== size) throw wrongSize(client, digest, size);
    },
    failed: reason => {
      if (reason === undefined) return wrongSize(client, digest, size);
      if (reason instanceof ConnectionLost) return client.explained(reason);
      return client.refused(reason, `read the blob ${digest} of`);
    },
  });
}

function wrongSize(client: RegistryClient, digest: string, size: number): Failure {
  return new Failure(`${client.repository}: the blob ${digest} does not have ${size} bytes.`, {
    tried: 'reading it again from the start of what is missing',
    next: 'The registry, or a cache before it, is damaged: push the image again.',
  });
}
