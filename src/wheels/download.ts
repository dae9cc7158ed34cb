import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Failure } from '../host/failure.ts';
import {
  ConnectionLost,
  type HttpResponse,
  header,
  headerNumber,
  readBody,
} from '../host/http/message.ts';
import { attemptsAfter, isTransient, pause } from '../host/http/retry.ts';
import { writeFailure } from '../host/partial-files.ts';
import { claimPartial, type Downloaded, type Partial } from './partial-downloads.ts';
import { unreachable, type Web } from './web.ts';

/** Told of progress: bytes that are there by now, and how many there will be. */
export type OnBytes = (done: number, expected: number | undefined) => void;

/** Bytes from the start that are in the file and in the hash. */
interface Progress {
  partial: Partial;
  file: FileHandle;
  hash: Hash;
  position: number;
}

/**
 * Downloads a file to hash it, in bounded memory. What a run that was killed has left in `folder` is
 * taken up where the server can tell that it still has the same file (RFC 9110, If-Range).
 * Resolves with the result and the folder that keeps it. Rejects with a {@link Failure} where the server
 * has no such file.
 */
export async function download(
  url: string,
  folder: string,
  web: Web,
  onBytes: OnBytes,
): Promise<Downloaded & { folder: string }> {
  const partial = await claimPartial(folder, url).catch(error => {
    throw writeFailure(error, folder);
  });
  try {
    const result = (await stillThere(partial, web)) ?? (await fetchWhole(partial, web, onBytes));
    return { ...result, folder: partial.folder };
  } finally {
    partial.release();
  }
}

async function fetchWhole(partial: Partial, web: Web, onBytes: OnBytes): Promise<Downloaded> {
  const file = await open(partial.file, 'a+');
  try {
    const hash = createHash('sha256');
    const progress = { partial, file, hash, position: await hashStart(partial, hash) };
    const size = await receiveAll(progress, web, onBytes);
    const result = { sha256: progress.hash.digest('hex'), size };
    await partial.finish(result);
    return result;
  } catch (error) {
    throw writeFailure(error, partial.file);
  } finally {
    await file.close();
  }
}

/** A whole download of a run that was killed later: the server says whether it is the file yet. */
async function stillThere({ state, url }: Partial, web: Web): Promise<Downloaded | undefined> {
  if (state.result === undefined || state.validator === undefined) return undefined;
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

/** Leaving a body closes the connection. */
async function abandon(response: HttpResponse): Promise<void> {
  for await (const _ of response.body) break;
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

/** Receives until the end, with retries; resolves with the size. */
async function receiveAll(progress: Progress, web: Web, onBytes: OnBytes): Promise<number> {
  const { url } = progress.partial;
  for (let failed = 1; ; failed++) {
    const before = progress.position;
    try {
      const range = rangeOf(progress);
      const response = await web.open(url, { 'accept-encoding': 'identity', ...range });
      if (!isTransient(response.status)) {
        await receive(progress, response, onBytes);
        return progress.position;
      }
      await readBody(response);
      if (failed >= web.retries.attempts) throw refused(url, response.status);
      await pause(web.retries, failed, header(response, 'retry-after'), web.signal);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      // a connection that brought something was worth it
      if (progress.position > before) failed = 1;
      if (failed >= attemptsAfter(error, web.retries)) throw unreachable(error, url);
      await pause(web.retries, failed, undefined, web.signal);
    }
  }
}

function rangeOf({ position, partial: { state } }: Progress): Record<string, string> {
  if (position === 0 || state.validator === undefined) return {};
  return { range: `bytes=${position}-`, 'if-range': state.validator };
}

async function receive(
  progress: Progress,
  response: HttpResponse,
  onBytes: OnBytes,
): Promise<void> {
  const { partial, file } = progress;
  const start = startOf(response);
  if (start === undefined || (start > 0 && start !== progress.position)) {
    await abandon(response);
    // 416: what is here is longer than what is there now
    if (start === undefined && response.status !== 416) throw refused(partial.url, response.status);
    await partial.begin(undefined);
    throw new ConnectionLost(new Error('the server sent another part than it was asked for'));
  }
  if (start === 0) {
    progress.position = 0;
    progress.hash = createHash('sha256');
    await file.truncate();
    await partial.begin(validatorOf(response));
  }
  const length = headerNumber(response, 'content-length');
  const expected = length === undefined ? undefined : progress.position + length;
  for await (const chunk of response.body) {
    await file.write(chunk);
    progress.hash.update(chunk);
    progress.position += chunk.length;
    onBytes(progress.position, expected);
  }
}

/** The offset of an answer's first byte; undefined where it brings no bytes of the file. */
function startOf(response: HttpResponse): number | undefined {
  if (response.status === 200) return 0;
  if (response.status !== 206) return undefined;
  const [, first] = /^bytes (\d+)-/.exec(header(response, 'content-range') ?? '') ?? [];
  return first === undefined ? undefined : Number(first);
}

/** What tells the file from any later one: a strong entity tag, else the date. */
function validatorOf(response: HttpResponse): string | undefined {
  const tag = header(response, 'etag');
  return tag?.startsWith('"') ? tag : header(response, 'last-modified');
}

function refused(url: string, status: number): Failure {
  return new Failure(`${url} cannot be downloaded: the server answered ${status}.`, {
    next:
      status === 404 || status === 410
        ? 'The index names a file that is gone; choose another version in wheels.toml.'
        : 'Try again later.',
  });
}
