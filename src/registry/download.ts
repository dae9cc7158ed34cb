import { Failure } from '../host/failure.ts';
import {
  type Answer,
  ConnectionLost,
  type HttpResponse,
  header,
  headerNumber,
  readBody,
  wholeNumber,
} from '../host/http/message.ts';
import { asksTooMuch, attemptsAfter, isTransient, pause } from '../host/http/retry.ts';
import { limits } from '../host/limits.ts';
import type { Descriptor } from '../image/types.ts';
import { skipping } from './chunks.ts';
import type { RegistryClient } from './client.ts';

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
  let furthest = start;
  for (let failed = 1; position < descriptor.size; failed++) {
    let reason: Answer | ConnectionLost | undefined;
    try {
      const response = await request(client, descriptor, position);
      if (isTransient(response.status)) reason = await readBody(response);
      else {
        for await (const chunk of await bytesFrom(client, descriptor, position, response)) {
          position += chunk.length;
          if (position > descriptor.size) throw wrongSize(client, descriptor);
          yield chunk;
        }
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      reason = error;
    }
    if (position === descriptor.size) return;
    if (position >= furthest + limits.progress) {
      furthest = position;
      failed = 1;
    }
    await waitOrGiveUp(client, descriptor, reason, failed);
  }
}

/** How often in a row an answer may end too early, as if that were all; it gives no reason. */
const shortAnswers = 3;

async function waitOrGiveUp(
  client: RegistryClient,
  descriptor: Descriptor,
  reason: Answer | ConnectionLost | undefined,
  failed: number,
): Promise<void> {
  const { policy, signal } = client;
  const lost = reason instanceof ConnectionLost ? reason : undefined;
  const answer = reason instanceof ConnectionLost ? undefined : reason;
  const most = lost ? attemptsAfter(lost, policy) : answer ? policy.attempts : shortAnswers;
  if (failed >= most || asksTooMuch(answer, policy)) {
    if (lost) throw client.explained(lost);
    throw answer ? refused(client, descriptor, answer) : wrongSize(client, descriptor);
  }
  await pause(policy, failed, answer && header(answer, 'retry-after'), signal);
}

function request(client: RegistryClient, { digest }: Descriptor, position: number) {
  return client.send({
    method: 'GET',
    url: client.blobUrl(digest),
    ...(position > 0 ? { headers: { range: `bytes=${position}-` } } : {}),
  });
}

/** The answer's bytes from `position` on; a registry may ignore the Range and send all. */
async function bytesFrom(
  client: RegistryClient,
  descriptor: Descriptor,
  position: number,
  response: HttpResponse,
): Promise<AsyncIterable<Buffer>> {
  const { status, body } = response;
  if (status !== 200 && status !== 206) {
    throw refused(client, descriptor, await readBody(response));
  }
  const whole = status === 200 ? headerNumber(response, 'content-length') : totalOf(response);
  if (whole !== undefined && whole !== descriptor.size) {
    for await (const _ of body) break; // leaving it closes the connection
    throw wrongSize(client, descriptor);
  }
  return status === 206 ? body : skipping(body, position);
}

/** Bytes of the whole, from "Content-Range: bytes 5-9/10"; undefined where it is not said. */
function totalOf(response: HttpResponse): number | undefined {
  return wholeNumber(/\/(\d+)\s*$/.exec(header(response, 'content-range') ?? '')?.[1]);
}

function refused(client: RegistryClient, { digest }: Descriptor, answer: Answer): Error {
  return client.refused(answer, `read the blob ${digest} of`);
}

function wrongSize(client: RegistryClient, { digest, size }: Descriptor): Failure {
  return new Failure(`${client.repository}: the blob ${digest} does not have ${size} bytes.`, {
    tried: 'reading it again from the start of what is missing',
    next: 'The registry, or a cache before it, is damaged: push the image again.',
  });
}
