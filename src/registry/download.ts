import { Failure } from '../host/failure.ts';
import type { Descriptor } from '../image/types.ts';
import { skipping } from './chunks.ts';
import type { RegistryClient } from './client.ts';
import { ConnectionLost, type HttpResponse, header, readBody } from './http.ts';
import { attemptsAfter, isTransient, pause } from './retry.ts';

/**
 * A blob's bytes from `start` on. A broken connection is resumed where it broke (Range), so the
 * stream ends either complete or with a Failure.
 */
export async function* downloadBlob(
  client: RegistryClient,
  descriptor: Descriptor,
  start = 0,
): AsyncGenerator<Buffer> {
  let position = start;
  let failed = 0;
  while (position < descriptor.size) {
    let retryAfter: string | undefined;
    try {
      const response = await request(client, descriptor, position);
      if (!isTransient(response.status)) {
        for await (const chunk of await from(client, descriptor, position, response)) {
          position += chunk.length;
          failed = 0;
          if (position > descriptor.size) throw wrongSize(client, descriptor);
          yield chunk;
        }
        if (position >= descriptor.size) return;
        // an end that is none: treated as a broken connection
      } else {
        retryAfter = header(response, 'retry-after');
        const answer = await readBody(response);
        if (failed + 1 >= client.policy.attempts) throw refused(client, descriptor, answer);
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      if (failed + 1 >= attemptsAfter(error, client.policy)) throw client.explained(error);
    }
    failed++;
    if (failed >= client.policy.attempts) throw wrongSize(client, descriptor);
    await pause(client.policy, failed, retryAfter, client.signal);
  }
}

function request(client: RegistryClient, { digest }: Descriptor, position: number) {
  return client.send({
    method: 'GET',
    url: client.url(`blobs/${digest}`),
    ...(position > 0 ? { headers: { range: `bytes=${position}-` } } : {}),
  });
}

/** The answer's bytes from `position` on; a registry may ignore the Range and send all. */
async function from(
  client: RegistryClient,
  descriptor: Descriptor,
  position: number,
  response: HttpResponse,
): Promise<AsyncIterable<Buffer>> {
  if (response.status === 206) return response.body;
  if (response.status === 200) return skipping(response.body, position);
  throw refused(client, descriptor, await readBody(response));
}

function refused(
  client: RegistryClient,
  { digest }: Descriptor,
  answer: Awaited<ReturnType<typeof readBody>>,
): Error {
  return client.refused(answer, `read the blob ${digest} of`);
}

function wrongSize(client: RegistryClient, { digest, size }: Descriptor): Failure {
  return new Failure(`${client.repository}: the blob ${digest} does not have ${size} bytes.`, {
    tried: 'reading it again from the start of what is missing',
    next: 'The registry, or a cache before it, is damaged: push the image again.',
  });
}
