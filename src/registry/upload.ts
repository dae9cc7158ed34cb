import { type Answer, ConnectionLost, header } from '../host/http/message.ts';
import { pause, triesOf } from '../host/http/retry.ts';
import { limits, retries } from '../host/limits.ts';
import type { BlobResult, BlobSource } from '../image/types.ts';
import { withBeginning } from './beginning.ts';
import type { RegistryClient } from './client.ts';
import { checkSameDigest, findBlob } from './presence.ts';
import { hasErrorCode } from './refusal.ts';
import {
  ask,
  Interrupted,
  interruption,
  isAccepted,
  OtherWay,
  sendChunks,
  sendStream,
  sendWhole,
  type Upload,
} from './sending.ts';
import {
  askState,
  cancel,
  heldBytes,
  nextSession,
  type Session,
  startSession,
  withDigest,
} from './session.ts';
import type { PutBlobOptions } from './store.ts';
import { type Habits, type Way, wantedChunks } from './way.ts';

/** Uploads to one repository, which learn from each other how its registry takes bytes. */
export interface Uploads {
  /**
   * Streams a blob into the registry, or puts a small one in one request. After a broken connection the registry is asked what it holds,
   * and the source is opened again for the rest; a registry that forgot the upload gets all of it
   * again.
   */
  blob(source: BlobSource, options: PutBlobOptions): Promise<BlobResult>;
  /** Puts a small blob in one request, again from the start where that fails. */
  bytes(bytes: Buffer, digest: string): Promise<void>;
}

/** Sends nothing yet. */
export function uploadsTo(client: RegistryClient): Uploads {
  const { habits } = client;
  return {
    blob: async (source, options) =>
      withBeginning(source, limits.wholeBlob, options.signal, async beginning => {
        const upload = { client, options, habits };
        if ('rest' in beginning) {
          return complete({ ...upload, source: beginning.rest, mayResume: true });
        }
        const { bytes, result } = beginning;
        await complete({ ...upload, source: bytes, result, mayResume: false });
        options.onProgress?.(bytes.length);
        return result;
      }),
    bytes: async (bytes, digest) => {
      const size = bytes.length;
      const result = { digest, size, diffId: digest, uncompressedSize: size };
      const options = client.signal ? { signal: client.signal } : {};
      const upload = { client, source: bytes, options, habits, result };
      await complete({ ...upload, mayResume: false });
    },
  };
}

/** Tries until the blob is there, or there is no more hope. */
async function complete(upload: Upload): Promise<BlobResult> {
  const { client, options } = upload;
  const tries = triesOf(client.policy, options.signal);
  try {
    for (;;) {
      const end = await advance(upload).catch((error: unknown) => {
        if (error instanceof Interrupted || error instanceof OtherWay) return error;
        throw error;
      });
      if (end === undefined) return resultOf(upload);
      if (end instanceof OtherWay) {
        await startOver(upload);
        continue;
      }
      if (!(await tries.again(end.reason, upload.session?.acknowledged ?? 0))) {
        throw givenUp(client, end);
      }
      if (await recovered(upload, end)) return resultOf(upload);
    }
  } catch (error) {
    await cancel(client, upload.session);
    throw client.explained(error);
  }
}

const givenUp = (client: RegistryClient, { reason }: Interrupted): Error =>
  reason instanceof ConnectionLost ? reason : client.refused(reason, 'upload a blob to');

/** Does what is left of an upload: opens a session, sends the bytes, closes it. */
async function advance(upload: Upload): Promise<undefined> {
  const { client, source, options } = upload;
  const session = upload.session ?? (await startSession(client, options.signal));
  upload.session = session;
  const way = wayOf(upload.habits, session);
  if (!Buffer.isBuffer(source) && way.kind === 'whole') {
    upload.mayResume = false;
    await settle(upload, await sendWhole(upload, source, session));
    return;
  }
  if (!Buffer.isBuffer(source) && session.acknowledged !== upload.result?.size) {
    if (way.kind === 'chunks') await sendChunks(upload, source, session, way);
    else await sendStream(upload, source, session);
  }
  await closeSession(upload, session);
}

/** As was found out before, else as the registry says. */
function wayOf({ way }: Habits, { wantedChunk }: Session): Way {
  return way.kind === 'stream' && wantedChunk !== undefined ? wantedChunks(wantedChunk) : way;
}

/** Closes the session under the blob's digest, which the registry computes as well. */
async function closeSession(upload: Upload, session: Session): Promise<void> {
  const { source } = upload;
  const url = withDigest(session.location, resultOf(upload).digest);
  const body = Buffer.isBuffer(source) ? { body: source } : {};
  await settle(upload, await ask(upload, { method: 'PUT', url, ...body }));
}

/** Takes the registry's last word about an upload. */
async function settle(upload: Upload, answer: Answer): Promise<void> {
  const { client, options } = upload;
  const { digest } = resultOf(upload);
  if (isAccepted(answer)) {
    checkSameDigest(client, answer, digest);
    upload.session = undefined;
    if (answer.status === 202) await appears(client, digest, options.signal);
    return;
  }
  if (!hasErrorCode(answer, 'DIGEST_INVALID')) throw interruption(client, answer);
  if (!upload.mayResume) throw client.refused(answer, `store the blob ${digest} in`);
  // what the registry has is not what it said to have
  upload.mayResume = false;
  throw new Interrupted(answer);
}

/** Where a registry says that it is still to store a blob, a manifest that names it has to wait. */
async function appears(client: RegistryClient, digest: string, signal: AbortSignal | undefined) {
  for (let tried = 1; tried <= retries.settling; tried++) {
    if (await findBlob(client, digest, signal)) return;
    await pause(client.policy, tried, undefined, signal);
  }
}

/** Finds out where an interrupted upload stands; true when the blob is there after all. */
async function recovered(upload: Upload, { reason }: Interrupted): Promise<boolean> {
  const { client, session, options, result } = upload;
  // who limits requests has not looked at this one
  if (isLimited(reason)) return false;
  if (result && (await findBlob(client, result.digest, options.signal))) return true;
  const state = session && upload.mayResume ? await stateOf(upload, session) : undefined;
  const isMisplaced = !(reason instanceof ConnectionLost) && reason.status === 416;
  // who refuses the bytes that follow on those that it says it holds does not hold them
  const contradicts = isMisplaced && state?.acknowledged === session?.acknowledged;
  if (state && !contradicts) upload.session = state;
  else await startOver(upload);
  return false;
}

const isLimited = (reason: Answer | ConnectionLost) =>
  !(reason instanceof ConnectionLost) && reason.status === 429;

async function startOver(upload: Upload): Promise<void> {
  await cancel(upload.client, upload.session);
  upload.session = undefined;
  upload.options.onProgress?.(0);
}

/**
 * Asks for the state of a session: 204 and a Range. "0-0" means one byte by the specification and
 * none to distribution, so it says nothing.
 */
async function stateOf({ client, options, result }: Upload, session: Session) {
  const answer = await askState(client, session, options.signal);
  const acknowledged = answer.status === 204 ? heldBytes(header(answer, 'range')) : undefined;
  if (acknowledged === undefined || acknowledged < session.acknowledged) return undefined;
  if (result && acknowledged > result.size) return undefined;
  return { ...session, ...nextSession(answer, acknowledged), acknowledged };
}

function resultOf({ result }: Upload): BlobResult {
  if (!result) throw new TypeError('an upload ended before its source');
  return result;
}
