import {
  abandon,
  ConnectionLost,
  type HttpResponse,
  header,
  headerNumber,
  readBody,
  wholeNumber,
} from './message.ts';
import { isTransient, type Reason, type RetryPolicy, triesOf } from './retry.ts';

/** What is downloaded, and what of that its user decides. */
export interface Download {
  /** Sends a GET with these headers, once. */
  ask(headers: Readonly<Record<string, string>>): Promise<HttpResponse>;
  policy: RetryPolicy;
  signal?: AbortSignal | undefined;
  /** Bytes from the start that are there already; they are not fetched. */
  start?: number;
  /** All of its bytes, where that is known; else it ends where the server says so. */
  size?: number;
  /**
   * Tells the file from any later one: an entity tag or a date of an earlier answer (RFC 9110, If-Range).
   * `always the same`: its address names its content, and what arrives is compared with that afterwards.
   */
  validator?: string | 'always the same' | undefined;
  /** Told of each answer before its bytes come; its error ends the download. */
  begin?(part: Part): Promise<void>;
  /** The error for the last of the tries, which failed for this reason, or for a status that is final. */
  failed(reason: Reason): unknown;
}

/** An answer that brings bytes. */
export interface Part {
  /** Where its bytes begin; 0 with bytes there already: the file is another one, and begins anew. */
  at: number;
  /** Bytes of all of it, where the server says. */
  total: number | undefined;
  /** What tells the file from any later one, where the server says. */
  validator: string | undefined;
}

/** How far a download has come. */
interface Progress {
  /** Bytes from the start that are there. */
  have: number;
  validator: Download['validator'];
}

/**
 * The bytes of a file in their order, each once. A connection that breaks is taken up where it broke,
 * where the server can tell that it still has the same file; else the file begins anew ({@link Part}).
 * Rejects with what `begin` and `failed` say, and with the signal's reason.
 */
export async function* download(file: Download): AsyncGenerator<Buffer> {
  const progress: Progress = { have: file.start ?? 0, validator: file.validator };
  const tries = triesOf(file.policy, file.signal, progress.have);
  const isWhole = () => file.size !== undefined && progress.have >= file.size;
  while (!isWhole()) {
    let reason: Reason;
    try {
      const end = yield* onePart(file, progress);
      if (end === 'complete') return;
      reason = end;
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      reason = error;
    }
    if (!isWhole() && !(await tries.again(reason, progress.have))) throw file.failed(reason);
  }
}

/** The bytes of one answer; gives why they are not all. */
async function* onePart(
  file: Download,
  progress: Progress,
): AsyncGenerator<Buffer, Reason | 'complete'> {
  const response = await file.ask(rangeFrom(progress));
  if (isTransient(response.status)) return readBody(response);
  const part = partOf(response, progress);
  if (part === undefined) throw file.failed(await readBody(response));
  if (part === 'misplaced') {
    await abandon(response);
    if (!isAlwaysTheSame(progress)) progress.have = 0;
    return new ConnectionLost(new Error('the server sent another part than it was asked for'));
  }
  await file.begin?.(part).catch(async (error: unknown) => {
    await abandon(response);
    throw error;
  });
  yield* freshBytes(response, part, progress, file);
  return progress.have === (file.size ?? part.total ?? progress.have) ? 'complete' : undefined;
}

/** An answer's bytes without those that are there already. */
async function* freshBytes(
  { body }: HttpResponse,
  { at, validator }: Part,
  progress: Progress,
  file: Download,
): AsyncGenerator<Buffer> {
  if (at === 0 && !isAlwaysTheSame(progress)) Object.assign(progress, { have: 0, validator });
  let surplus = progress.have - at;
  for await (const chunk of body) {
    const fresh = surplus === 0 ? chunk : chunk.subarray(surplus);
    surplus -= chunk.length - fresh.length;
    progress.have += fresh.length;
    if (progress.have > (file.size ?? Number.POSITIVE_INFINITY)) throw file.failed(undefined);
    if (fresh.length > 0) yield fresh;
  }
}

const isAlwaysTheSame = ({ validator }: Progress) => validator === 'always the same';

/** Without a validator the bytes that are there would be worth nothing. */
function rangeFrom(progress: Progress): Record<string, string> {
  const { have, validator } = progress;
  if (have === 0 || validator === undefined) return {};
  const range = `bytes=${have}-`;
  return isAlwaysTheSame(progress) ? { range } : { range, 'if-range': validator };
}

/** Where an answer's bytes belong; undefined where it brings none. */
function partOf(response: HttpResponse, progress: Progress): Part | 'misplaced' | undefined {
  const { status } = response;
  const validator = validatorOf(response);
  if (status === 200) return { at: 0, total: headerNumber(response, 'content-length'), validator };
  // what is there is longer than what the server has now
  if (status === 416 && progress.have > 0 && !isAlwaysTheSame(progress)) return 'misplaced';
  if (status !== 206) return undefined;
  const [, first, all] =
    /^\s*bytes (\d+)-\d+\/(\d+|\*)\s*$/i.exec(header(response, 'content-range') ?? '') ?? [];
  // some registries do not say
  const at = wholeNumber(first) ?? (isAlwaysTheSame(progress) ? progress.have : undefined);
  if (at !== progress.have) return 'misplaced';
  return { at, total: wholeNumber(all), validator };
}

/** A strong entity tag, else the date. */
function validatorOf(response: HttpResponse): string | undefined {
  const tag = header(response, 'etag');
  return tag?.startsWith('"') ? tag : header(response, 'last-modified');
}
