import { type Answer, ConnectionLost, header, readBody } from '../host/http/message.ts';
import { asksTooMuch, attemptsAfter, isTransient, pause } from '../host/http/retry.ts';
import { limits, patience } from '../host/limits.ts';
import type { BlobResult, BlobSource } from '../image/types.ts';
import { chunksOf, gathered, skipping, watched } from './chunks.ts';
import type { RegistryClient } from './client.ts';
import { checkSameDigest, findBlob } from './presence.ts';
import { hasErrorCode } from './refusal.ts';
import {
  cancel,
  heldBytes,
  nextSession,
  type Session,
  startSession,
  usualChunk,
  withDigest,
} from './session.ts';
import type { PutBlobOptions } from './store.ts';

/** Less is gathered before it is written: some registries fail on many tiny writes. */
const smallestWrite = 64 * 1024;
type Openable = Pick<BlobSource, 'open'>;

/** One blob on its way. */
interface Upload {
  client: RegistryClient;
  /** A stream, or bytes that go with the request that closes the session. */
  source: Openable | Buffer;
  options: PutBlobOptions;
  session?: Session | undefined;
  /** Known once the source was read to its end. */
  result?: BlobResult;
  /** False where all of it goes again, after an upload came out wrong. */
  mayResume: boolean;
}

/** The upload did not get through, and may when it is continued or started over. */
class Interrupted extends Error {
  readonly answer: Answer | undefined;
  readonly lost: ConnectionLost | undefined;

  constructor(reason: Answer | ConnectionLost) {
    super('interrupted');
    this.lost = reason instanceof ConnectionLost ? reason : undefined;
    this.answer = reason instanceof ConnectionLost ? undefined : reason;
  }
}

/**
 * Streams a blob into a registry. After a broken connection the registry is asked what it holds,
 * and the source is opened again for the rest; a registry that forgot the upload gets all of it
 * again.
 */
export async function uploadBlob(
  client: RegistryClient,
  source: BlobSource,
  options: PutBlobOptions,
): Promise<BlobResult> {
  return complete({ client, source, options, mayResume: true });
}

/** Puts a small blob in one request, again from the start where that fails. */
export async function uploadBytes(
  client: RegistryClient,
  bytes: Buffer,
  digest: string,
): Promise<void> {
  const size = bytes.length;
  const result = { digest, size, diffId: digest, uncompressedSize: size };
  const options = client.signal ? { signal: client.signal } : {};
  await complete({ client, source: bytes, options, result, mayResume: false });
}

/** Tries until the blob is there, or there is no more hope. */
async function complete(upload: Upload): Promise<BlobResult> {
  const { client } = upload;
  let failed = 0;
  let furthest = 0;
  try {
    for (;;) {
      try {
        return await advance(upload);
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        const held = upload.session?.acknowledged ?? 0;
        const gotOn = held >= furthest + limits.progress;
        failed = gotOn ? 1 : failed + 1;
        if (gotOn) furthest = held;
        await waitOrGiveUp(upload, error, failed);
        if (await recovered(upload, error)) return resultOf(upload);
      }
    }
  } catch (error) {
    await cancel(client, upload.session);
    throw client.explained(error);
  }
}

/** Does what is left of an upload: opens a session, sends the bytes, closes it. */
async function advance(upload: Upload): Promise<BlobResult> {
  const session = upload.session ?? (await startSession(upload.client, upload.options.signal));
  upload.session = session;
  if (!Buffer.isBuffer(upload.source) && session.acknowledged !== upload.result?.size) {
    const send = session.chunkSize === undefined ? sendStream : sendChunks;
    await send(upload, upload.source, session);
  }
  await closeSession(upload, session);
  return resultOf(upload);
}

/** One PATCH without Content-Range, which registries take at any length and append. */
async function sendStream(upload: Upload, source: Openable, session: Session): Promise<void> {
  const { client, options } = upload;
  const start = session.acknowledged;
  const stream = source.open(options.signal);
  let complete = false;
  const body = watched(
    gathered(skipping(stream, start), smallestWrite),
    sent => options.onProgress?.(start + sent),
    () => {
      complete = true;
    },
  );
  const answer = await interruptible(async () =>
    readBody(
      await client.send({
        method: 'PATCH',
        url: session.location,
        headers: { 'content-type': 'application/octet-stream' },
        body,
        answerTimeout: patience.hashing,
        signal: options.signal,
      }),
    ),
  );
  if (!isAccepted(answer)) throw interruption(client, answer);
  if (!complete) {
    // said before the last byte: that is no promise, and what is held is asked for
    accept(session, answer, start);
    throw new Interrupted(answer);
  }
  upload.result = stream.result();
  accept(session, answer, upload.result.size);
}

/** Ordered PATCHes with Content-Range ("0-1023": the form with "bytes" is refused by some). */
async function sendChunks(upload: Upload, source: Openable, session: Session): Promise<void> {
  const { client, options } = upload;
  const stream = source.open(options.signal);
  const rest = skipping(stream, session.acknowledged);
  for await (const chunk of chunksOf(rest, session.chunkSize ?? usualChunk)) {
    const end = session.acknowledged + chunk.length;
    const answer = await interruptible(() =>
      client.exchange({
        method: 'PATCH',
        url: session.location,
        headers: {
          'content-type': 'application/octet-stream',
          'content-range': `${session.acknowledged}-${end - 1}`,
        },
        body: chunk,
        bodyMayMove: true,
        answerTimeout: patience.hashing,
        retry: false,
        signal: options.signal,
      }),
    );
    if (!isAccepted(answer)) throw interruption(client, answer);
    accept(session, answer, end);
    options.onProgress?.(end);
  }
  upload.result = stream.result();
}

/** Closes the session under the blob's digest, which the registry computes as well. */
async function closeSession(upload: Upload, session: Session): Promise<void> {
  const { client, options, source } = upload;
  const { digest } = resultOf(upload);
  const answer = await interruptible(() =>
    client.exchange({
      method: 'PUT',
      url: withDigest(session.location, digest),
      headers: { 'content-type': 'application/octet-stream' },
      ...(Buffer.isBuffer(source) ? { body: source, bodyMayMove: true } : {}),
      answerTimeout: patience.hashing,
      retry: false,
      signal: options.signal,
    }),
  );
  if (answer.status === 201 || answer.status === 204) {
    checkSameDigest(client, answer, digest);
    upload.session = undefined;
    return;
  }
  if (!hasErrorCode(answer, 'DIGEST_INVALID')) throw interruption(client, answer);
  if (!upload.mayResume) throw client.refused(answer, `store the blob ${digest} in`);
  // what the registry has is not what it said to have
  upload.mayResume = false;
  throw new Interrupted(answer);
}

/** Finds out where an interrupted upload stands; true when the blob is there after all. */
async function recovered(upload: Upload, { answer }: Interrupted): Promise<boolean> {
  const { client, session, options, result } = upload;
  if (result && (await findBlob(client, result.digest, options.signal))) return true;
  const state = session && upload.mayResume ? await stateOf(upload, session) : undefined;
  // who refuses the bytes that follow on those that it says it holds does not hold them
  const contradicts = answer?.status === 416 && state?.acknowledged === session?.acknowledged;
  const current = contradicts ? undefined : state;
  if (session && !current) await cancel(client, session);
  upload.session = current;
  if (!current) options.onProgress?.(0);
  return false;
}

/**
 * Asks for the state of a session: 204 and a Range. "0-0" means one byte by the specification and
 * none to distribution, so it says nothing.
 */
async function stateOf({ client, options, result }: Upload, session: Session) {
  const answer = await client.exchange({
    method: 'GET',
    url: session.location,
    signal: options.signal,
  });
  const acknowledged = answer.status === 204 ? heldBytes(header(answer, 'range')) : undefined;
  if (acknowledged === undefined || acknowledged < session.acknowledged) return undefined;
  if (result && acknowledged > result.size) return undefined;
  return { ...session, ...nextSession(answer, acknowledged), acknowledged };
}

/** 202 by the specification; Amazon says 201, a small registry 204. */
const isAccepted = ({ status }: Answer) => status === 202 || status === 201 || status === 204;

function accept(session: Session, answer: Answer, acknowledged: number): void {
  Object.assign(session, nextSession(answer, acknowledged), { acknowledged });
}

function resultOf({ result }: Upload): BlobResult {
  if (!result) throw new TypeError('an upload ended before its source');
  return result;
}

async function interruptible(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ConnectionLost ? new Interrupted(error) : error;
  }
}

/**
 * Answers after which an upload may go on: a stale token, an unknown or misplaced session, faults.
 */
function interruption(client: RegistryClient, answer: Answer): Error {
  const { status } = answer;
  const recoverable = isTransient(status) || [400, 401, 404, 409, 416].includes(status);
  return recoverable ? new Interrupted(answer) : client.refused(answer, 'upload a blob to');
}

/** Tries after which an answer that should not come is believed. */
const attemptsWhenRefused = 3;

async function waitOrGiveUp(upload: Upload, error: Interrupted, failed: number): Promise<void> {
  const { client, options } = upload;
  const { lost, answer } = error;
  if (lost && failed >= attemptsAfter(lost, client.policy)) throw lost;
  if (answer) {
    const { attempts } = client.policy;
    const most = isTransient(answer.status) ? attempts : Math.min(attempts, attemptsWhenRefused);
    if (failed >= most || asksTooMuch(answer, client.policy)) {
      throw client.refused(answer, 'upload a blob to');
    }
  }
  const retryAfter = answer && header(answer, 'retry-after');
  await pause(client.policy, failed, retryAfter, options.signal);
}
