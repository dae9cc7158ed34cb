import { Failure } from '../host/failure.ts';
import { type Answer, ConnectionLost, header } from '../host/http/message.ts';
import { permissionToWrite } from './advice.ts';
import { chooseChallenge } from './challenge.ts';
import type { RegistryClient } from './client.ts';
import { errorsOf } from './refusal.ts';
import { cancel, openedBy } from './session.ts';

/** What says for all uploads that there will be none. */
const forbidden = new Set([401, 403, 404, 405]);

/**
 * Opens an upload and gives it up, which is left to who does it `besides`. Rejects with a Failure that names the permission which is missing;
 * what else keeps an upload from being opened is for the upload itself to deal with.
 */
export async function checkWrite(
  client: RegistryClient,
  besides: (work: Promise<void>) => void,
): Promise<void> {
  const request = { method: 'POST', url: client.uploadsUrl(), retry: false };
  const answer = await client.exchange(request).catch((error: unknown) => {
    if (error instanceof ConnectionLost) return undefined;
    throw error;
  });
  if (answer === undefined) return;
  besides(cancel(client, openedBy(answer)));
  if (forbidden.has(answer.status)) throw refused(client, answer);
}

function refused(client: RegistryClient, answer: Answer): Error {
  const { repository, reference } = client;
  const { status } = answer;
  const challenge = chooseChallenge(header(answer, 'www-authenticate'));
  // where a password comes with each request, 401 says that it is wrong
  const isKnown = status === 403 || (status === 401 && challenge?.scheme === 'bearer');
  if (!isKnown || !client.hasLogin()) return client.refused(answer, 'open an upload to');
  const { error } = challenge?.parameters ?? {};
  const why = error === undefined ? '' : `, ${error}`;
  return new Failure(
    `This login may not write to ${repository}: it lacks the permission "push" (${status}${why}).`,
    {
      evidence: errorsOf(answer),
      tried: 'opening an upload before anything is built, and giving it up',
      next: permissionToWrite(reference.registry),
    },
  );
}
