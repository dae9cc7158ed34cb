import { Failure } from '../host/failure.ts';
import type { BlobResult, BlobSource } from '../image/types.ts';
import { chunksOf, gathered, skipping, watched } from './chunks.ts';
import type { RegistryClient } from './client.ts';
import { type Answer, ConnectionLost, header, readBody } from './http.ts';
import { resolveLocation } from './redirect.ts';
import { hasErrorCode, isEcr } from './refusal.ts';
import { attemptsAfter, isTransient, pause } from './retry.ts';
import type { PutBlobOptions } from './store.ts';

/** A registry hashes what it got before it answers, which takes minutes for a large blob; in ms. */
export const hashingTimeout = 30 * 60_000;
/** Chunks where a registry wants them: Amazon's takes parts of 5 to 10 MiB, at most 4,200. */
const chunkSize = 10 * 2 ** 20;
/** Less is gathered before it is written: some registries fail on many tiny writes. */
const smallestWrite = 64 * 1024;
/** What a given-up session may still cost, in ms. */
const cancelTimeout = 3000;

/** An upload that the registry has opened (distribution-spec, "Pushing blobs"). */
export interface Session {
  /** Where the next request goes. */
  location: URL;
  /** Bytes that the registry is known to hold. */
  acknowledged: number;
  /** Set where the bytes go in requests of this size; else they go in one stream. */
  chunkSize?: number;
}

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
  /** Some bytes were sent in an earlier connection. */
  resumed: boolean;
  /** False after a resumed upload came out wrong. */
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
 * Streams a blob into a registry. After a broken connection the registry is asked what it holds, and
 * the source is opened again for the rest; a registry that forgot the upload gets all of it again.
 */
export async function uploadBlob(
  client: RegistryClient,
  source: BlobSource,
  options: PutBlobOptions,
): Promise<BlobResult> {
  return complete({ client, source, options, resumed: false, mayResume: true });
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
  await complete({ client, source: bytes, options, result, resumed: false, mayResume: false });
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
        failed = held > furthest ? 1 : failed + 1;
        furthest = Math.max(furthest, held);
        await waitOrGiveUp(upload, error, failed);
        if (await recovered(upload)) return resultOf(upload);
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

/** Opens a session. */
export async function startSession(
  client: RegistryClient,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const url = client.url('blobs/uploads/');
  const answer = await client.exchange({ method: 'POST', url, signal });
  const session = answer.status === 202 ? nextSession(answer, 0) : undefined;
  if (!session) throw client.refused(answer, 'start an upload to');
  const wanted = Number(header(answer, 'oci-chunk-min-length'));
  if (wanted > 0) return { ...session, chunkSize: Math.max(wanted, chunkSize) };
  return isEcr(client.reference.registry) ? { ...session, chunkSize } : session;
}

/** The session as an answer describes it; its Location changes from request to request. */
export function nextSession(answer: Answer, acknowledged: number): Session | undefined {
  const location = resolveLocation(header(answer, 'location') ?? '', answer.url);
  return location && header(answer, 'location') ? { location, acknowledged } : undefined;
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
        answerTimeout: hashingTimeout,
        signal: options.signal,
      }),
    ),
  );
  if (!isAccepted(answer)) throw interruption(client, answer);
  if (!complete) throw new Interrupted(answer);
  upload.result = stream.result();
  accept(session, answer, upload.result.size);
}

/** Ordered PATCHes with Content-Range ("0-1023": the form with "bytes" is refused by some). */
async function sendChunks(upload: Upload, source: Openable, session: Session): Promise<void> {
  const { client, options } = upload;
  const stream = source.open(options.signal);
  const rest = skipping(stream, session.acknowledged);
  for await (const chunk of chunksOf(rest, session.chunkSize ?? chunkSize)) {
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
        answerTimeout: hashingTimeout,
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
      ...(Buffer.isBuffer(source) ? { body: source } : {}),
      answerTimeout: hashingTimeout,
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
  if (!upload.resumed) throw client.refused(answer, `store the blob ${digest} in`);
  // what the registry kept of the broken connection was not what it said
  upload.mayResume = false;
  throw new Interrupted(answer);
}

/** Finds out where an interrupted upload stands; true when the blob is there after all. */
async function recovered(upload: Upload): Promise<boolean> {
  const { client, session, options, result } = upload;
  if (result && (await sizeOfBlob(client, result.digest, options.signal)) !== undefined)
    return true;
  const current = session && upload.mayResume ? await stateOf(upload, session) : undefined;
  if (session && !current) await cancel(client, session);
  upload.session = current;
  upload.resumed = current !== undefined;
  if (!current) options.onProgress?.(0);
  return false;
}

/**
 * Asks for the state of a session: 204 and a Range. "0-0" means one byte by the specification and none
 * to distribution, so it says nothing.
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

/** Bytes held, from an upload's Range ("0-1023", with or without "bytes="); undefined: unknown. */
export function heldBytes(range: string | undefined): number | undefined {
  const last = Number(/^(?:bytes[= ])?0-(\d+)$/.exec(range?.trim() ?? '')?.[1] ?? 0);
  return last > 0 && Number.isSafeInteger(last) ? last + 1 : undefined;
}

/** Ends a session that is given up; that this may fail too does not matter. */
export async function cancel(client: RegistryClient, session: Session | undefined): Promise<void> {
  if (!session) return;
  const signal = AbortSignal.timeout(cancelTimeout);
  await client
    .exchange({ method: 'DELETE', url: session.location, retry: false, signal })
    .catch(() => undefined);
}

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

/** The upload's address with the digest added; the rest of its query stays as it is, to the byte. */
export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search}${url.search ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
  return url;
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

/** Answers after which an upload may go on: a stale token, an unknown or misplaced session, faults. */
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
    if (failed >= most) throw client.refused(answer, 'upload a blob to');
  }
  const retryAfter = answer && header(answer, 'retry-after');
  await pause(client.policy, failed, retryAfter, options.signal);
}
