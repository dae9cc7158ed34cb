import { type Answer, ConnectionLost, header } from '../host/http/message.ts';
import { contentTarget } from '../host/http/redirect.ts';
import { isTransient } from '../host/http/retry.ts';
import { limits, patience } from '../host/limits.ts';
import type { BlobResult, BlobSource } from '../image/types.ts';
import type { RegistryRequest } from './auth.ts';
import { chunksOf, gathered, skipping, watched } from './chunks.ts';
import type { RegistryClient } from './client.ts';
import { accept, askState, heldBytes, type Session, withDigest } from './session.ts';
import type { PutBlobOptions } from './store.ts';
import { type Habits, halved, learn, type Way, wayAfter } from './way.ts';

/** A blob that can be produced, as far as sending it needs to know it. */
export type Openable = Pick<BlobSource, 'open'>;

/** One blob on its way. */
export interface Upload {
  client: RegistryClient;
  /** A stream, or bytes that go with the request that closes the session. */
  source: Openable | Buffer;
  options: PutBlobOptions;
  habits: Habits;
  session?: Session | undefined;
  /** Known once the source was read to its end. */
  result?: BlobResult;
  /** False where all of it goes again, after an upload came out wrong. */
  mayResume: boolean;
}

/** The upload did not get through, and may when it is continued or started over. */
export class Interrupted extends Error {
  readonly reason: Answer | ConnectionLost;

  constructor(reason: Answer | ConnectionLost) {
    super('interrupted');
    this.reason = reason;
  }
}

/** The registry does not take bytes in this way; the upload's habits name another. */
export class OtherWay extends Error {}

/** One PATCH without Content-Range, which registries take at any length and append. */
export async function sendStream(upload: Upload, source: Openable, session: Session) {
  const start = session.acknowledged;
  const stream = source.open(upload.options.signal);
  let complete = false;
  const body = watched(
    gathered(skipping(stream, start), limits.leastWrite),
    sent => upload.options.onProgress?.(start + sent),
    () => {
      complete = true;
    },
  );
  const answer = await ask(upload, { method: 'PATCH', url: session.location, body });
  if (mayMove(answer, session)) return sendStream(upload, source, session);
  if (!isAccepted(answer)) throw refusedWay(upload, { kind: 'stream' }, answer);
  if (!complete) {
    // said before the last byte: that is no promise, and what is held is asked for
    accept(session, answer, start);
    throw new Interrupted(answer);
  }
  upload.result = stream.result();
  accept(session, answer, upload.result.size);
}

/** Ordered PATCHes. A chunk that is refused for its size is sent in halves, and so are the next ones. */
export async function sendChunks(
  upload: Upload,
  source: Openable,
  session: Session,
  way: Way & { kind: 'chunks' },
): Promise<void> {
  const stream = source.open(upload.options.signal);
  let current = way;
  for await (const chunk of chunksOf(skipping(stream, session.acknowledged), way.size)) {
    for (let sent = 0; sent < chunk.length; ) {
      const piece = chunk.subarray(sent, sent + current.size);
      const refused = await sendPiece(upload, piece, session);
      if (refused) current = await smallerChunks(upload, session, current, refused);
      else sent += piece.length;
    }
  }
  upload.result = stream.result();
}

/**
 * One PATCH with Content-Range ("0-1023": the form with "bytes" is refused by some); gives the answer where
 * it is no success.
 */
async function sendPiece(
  upload: Upload,
  piece: Buffer,
  session: Session,
): Promise<Answer | undefined> {
  const start = session.acknowledged;
  const end = start + piece.length;
  const answer = await ask(upload, {
    method: 'PATCH',
    url: session.location,
    headers: { 'content-range': `${start}-${end - 1}` },
    body: piece,
  });
  if (!isAccepted(answer)) return answer;
  accept(session, answer, end);
  upload.habits.taken = Math.max(upload.habits.taken, piece.length);
  upload.options.onProgress?.(end);
  return undefined;
}

/** After a chunk was refused. @throws OtherWay, Interrupted or a Failure, where its size is no reason */
async function smallerChunks(
  upload: Upload,
  session: Session,
  way: Way & { kind: 'chunks' },
  answer: Answer,
): Promise<Way & { kind: 'chunks' }> {
  // some say so of what is too large; whether the place is the reason, the registry can tell
  const mayBeForSize = answer.status === 416 && way.size > upload.habits.taken;
  const isForSize = mayBeForSize && (await holdsWhatWeSay(upload, session));
  if (!isForSize && answer.status !== 413) throw refusedWay(upload, way, answer);
  const smaller = halved(way) ?? (isForSize ? { kind: 'whole' as const } : undefined);
  if (smaller === undefined) throw upload.client.refused(answer, 'upload a blob to');
  begin(upload, smaller);
  if (smaller.kind !== 'chunks') throw new OtherWay();
  return smaller;
}

async function holdsWhatWeSay({ client, options }: Upload, session: Session): Promise<boolean> {
  const answer = await askState(client, session, options.signal);
  // none and one byte look alike
  const held = heldBytes(header(answer, 'range')) ?? 0;
  return answer.status === 204 && held === session.acknowledged;
}

/** Closes the session with all of the blob, whose length a first packing has found. */
export async function sendWhole(
  upload: Upload,
  source: Openable,
  session: Session,
): Promise<Answer> {
  const { digest, size } = upload.result ?? (await measured(upload, source));
  const body = watched(gathered(source.open(upload.options.signal), limits.leastWrite), sent =>
    upload.options.onProgress?.(sent),
  );
  const url = withDigest(session.location, digest);
  const headers = { 'content-length': String(size) };
  const answer = await ask(upload, { method: 'PUT', url, headers, body });
  return mayMove(answer, session) ? sendWhole(upload, source, session) : answer;
}

async function measured(upload: Upload, source: Openable): Promise<BlobResult> {
  const { options } = upload;
  const stream = source.open(options.signal);
  for await (const _ of stream) options.onProgress?.(0);
  upload.result = stream.result();
  return upload.result;
}

/** Whether an answer leads elsewhere with content that can be read again; the session is there then. */
function mayMove(answer: Answer, session: Session): boolean {
  const target = contentTarget(answer);
  const moves = (session.moves ?? 0) + 1;
  if (target === undefined || moves > limits.redirects) return false;
  Object.assign(session, { location: withoutDigest(target), moves });
  return true;
}

/** A redirected PUT leads to an address with the digest in it, which is added anew. */
function withoutDigest(url: URL): URL {
  const plain = new URL(url);
  plain.search = plain.search.replace(/([?&])digest=[^&]*(?:&|$)/, '$1').replace(/[?&]$/, '');
  return plain;
}

/** Sends content once. Rejects with {@link Interrupted} where the connection breaks. */
export async function ask({ client, options }: Upload, request: RegistryRequest): Promise<Answer> {
  try {
    return await client.exchange({
      ...request,
      headers: { 'content-type': 'application/octet-stream', ...request.headers },
      bodyMayMove: true,
      answerTimeout: patience.hashing,
      retry: false,
      signal: options.signal,
    });
  } catch (error) {
    throw error instanceof ConnectionLost ? new Interrupted(error) : error;
  }
}

/** 202 by the specification; Amazon says 201, small registries 200 or 204. */
export const isAccepted = ({ status }: Answer) => [200, 201, 202, 204].includes(status);

/** What follows of an answer to bytes that were sent in this way. */
function refusedWay(upload: Upload, way: Way, answer: Answer): Error {
  const next = wayAfter(way, answer);
  if (next === undefined) return interruption(upload.client, answer);
  begin(upload, next);
  return new OtherWay();
}

/** Goes on in another way, and so do later uploads. What costs time is said. */
function begin({ client, habits }: Upload, way: Way): void {
  const isNews = learn(habits, way);
  if (!isNews || way.kind !== 'whole') return;
  const { registry } = client.reference;
  client.policy.say(`${registry} takes a layer in one request only: each is packed twice.`);
}

/**
 * Answers after which an upload may go on: a stale token, an unknown or misplaced session, faults.
 */
export function interruption(client: RegistryClient, answer: Answer): Error {
  const { status } = answer;
  const recoverable = isTransient(status) || [400, 401, 404, 409, 416].includes(status);
  return recoverable ? new Interrupted(answer) : client.refused(answer, 'upload a blob to');
}
