import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Failure } from '../host/failure.ts';
import { download as bytesOf } from '../host/http/download.ts';
import { abandon, ConnectionLost, readBody, Unreachable } from '../host/http/message.ts';
import { writeFailure } from '../host/partial-files.ts';
import { claimPartial, type Downloaded, type Partial } from './partial-downloads.ts';
import { unreachable, type Web } from './web.ts';

/** Told of progress: bytes that are there by now, and how many there will be. */
export type OnBytes = (done: number, expected: number | undefined) => void;

/** Looks at a file that is there, before it is deleted. */
export type Look = (file: string) => Promise<Pick<Downloaded, 'tree' | 'needs'>>;

/**
 * Downloads a file to hash it, in bounded memory, and to look at it. What a run that was killed has left in `folder` is
 * taken up where the server can tell that it still has the same file (RFC 9110, If-Range).
 * Resolves with the result and the folder that keeps it. Rejects with a {@link Failure} where the server
 * has no such file.
 */
export async function download(
  url: string,
  folder: string,
  web: Web,
  onBytes: OnBytes,
  look?: Look,
): Promise<Downloaded & { folder: string }> {
  const partial = await claimPartial(folder, url).catch(error => {
    throw writeFailure(error, folder);
  });
  try {
    const result =
      (await stillThere(partial, web, look)) ?? (await fetchWhole(partial, web, onBytes, look));
    return { ...result, folder: partial.folder };
  } finally {
    partial.release();
  }
}

async function fetchWhole(
  partial: Partial,
  web: Web,
  onBytes: OnBytes,
  look: Look | undefined,
): Promise<Downloaded> {
  const file = await open(partial.file, 'a+');
  try {
    const received = await receive(partial, file, web, onBytes);
    const result = { ...received, ...(await look?.(partial.file)) };
    await partial.finish(result);
    return result;
  } catch (error) {
    throw writeFailure(error, partial.file);
  } finally {
    await file.close();
  }
}

/** Takes all bytes into the file and its hash, from where an earlier run has left them. */
async function receive(
  partial: Partial,
  file: FileHandle,
  web: Web,
  onBytes: OnBytes,
): Promise<Downloaded> {
  const { url, state } = partial;
  let hash = createHash('sha256');
  let size = await hashStart(partial, hash);
  let expected: number | undefined;
  const bytes = bytesOf({
    ask: headers => web.open(url, { 'accept-encoding': 'identity', ...headers }),
    policy: web.policy,
    signal: web.signal,
    start: size,
    validator: state.validator,
    begin: async ({ at, total, validator }) => {
      expected = total;
      if (at > 0) return;
      hash = createHash('sha256');
      size = 0;
      await file.truncate();
      await partial.begin(validator);
    },
    failed: reason =>
      reason instanceof ConnectionLost
        ? lost(reason, url, size, expected)
        : notDownloaded(url, reason?.status),
  });
  for await (const chunk of bytes) {
    await file.write(chunk);
    hash.update(chunk);
    size += chunk.length;
    onBytes(size, expected);
  }
  return { sha256: hash.digest('hex'), size };
}

/** A whole download of a run that was killed later: the server says whether it is the file yet. */
async function stillThere(
  { state, url }: Partial,
  web: Web,
  look: Look | undefined,
): Promise<Downloaded | undefined> {
  if (state.result === undefined || state.validator === undefined) return undefined;
  const { tree, needs } = state.result;
  if (look !== undefined && tree === undefined && needs === undefined) return undefined;
  const name = state.validator.startsWith('"') ? 'if-none-match' : 'if-modified-since';
  const response = await web.open(url, { [name]: state.validator }).catch(() => undefined);
  if (response === undefined) return undefined;
  if (response.status === 304) {
    await readBody(response);
    return state.result;
  }
  await abandon(response);
  return undefined;
}

/** Takes the bytes of an earlier run into the hash; without a validator they are worth nothing. */
async function hashStart({ state, file }: Partial, hash: Hash): Promise<number> {
  if (state.validator === undefined || state.result !== undefined) return 0;
  let position = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    hash.update(chunk);
    position += (chunk as Buffer).length;
  }
  return position;
}

/** A server that has begun to send can be reached. */
function lost(reason: ConnectionLost, url: string, size: number, expected: number | undefined) {
  if (size === 0) return unreachable(reason, url);
  const all = expected === undefined ? '' : ` of ${expected}`;
  return new Unreachable(
    `${url}: the connection was lost after ${size}${all} bytes, again and again.`,
    {
      next: 'Run it again: it goes on from there.',
      cause: reason,
    },
  );
}

function notDownloaded(url: string, status: number | undefined): Failure {
  const why = status === undefined ? 'did not send all of it' : `answered ${status}`;
  return new Failure(`${url} cannot be downloaded: the server ${why}.`, {
    next:
      status === 404 || status === 410
        ? 'The index names a file that is gone; choose another version in wheels.toml.'
        : 'Try again later.',
  });
}
