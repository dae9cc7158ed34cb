import type { Answer } from '../host/http/message.ts';
import { triesOf } from '../host/http/retry.ts';
import type { RegistryRequest } from './auth.ts';
import type { RegistryClient } from './client.ts';

/**
 * Sends what may well be refused, with a fault too: again only after 429, by which nothing is said of what
 * was asked for.
 */
export async function withoutInsisting(
  client: RegistryClient,
  request: RegistryRequest,
): Promise<Answer> {
  const tries = triesOf(client.policy, request.signal ?? client.signal);
  for (;;) {
    const answer = await client.exchange({ ...request, retry: false });
    if (answer.status !== 429 || !(await tries.again(answer))) return answer;
  }
}
