import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '../failure.ts';
import { limits } from '../limits.ts';
import { type Fault, faultOf, lasting } from './fault.ts';

/** One HTTP request. */
export interface HttpRequest {
  method: string;
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** Bytes can be sent again; a stream is sent once, and never retried by the layers below. */
  body?: Buffer | AsyncIterable<Buffer>;
  /**
   * True: the body is content and holds no secret, so that a redirect may take it to another host; not to
   * plain HTTP.
   */
  bodyMayMove?: boolean;
  /** How long the server may think once it has the whole request, in ms. */
  answerTimeout?: number;
  /** Longest answer that is read whole, in bytes. */
  answerLimit?: number;
  /** False: the caller recovers by itself, so the request is sent once. */
  retry?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * An answer whose body is still to be read; it has to be, to its end or through {@link readBody}.
 */
export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Where it came from in the end, redirects followed. */
  url: URL;
  body: AsyncIterable<Buffer>;
}

/** An answer that was read whole. */
export interface Answer extends Omit<HttpResponse, 'body'> {
  body: Buffer;
}

/**
 * Sends one request, of a kind that a caller may add to. Rejects with {@link ConnectionLost}, or the
 * error of the body that was sent.
 */
export type Send<Request extends HttpRequest = HttpRequest> = (
  request: Request,
) => Promise<HttpResponse>;

/** Sends one request and reads the answer whole. */
export type Exchange<Request extends HttpRequest = HttpRequest> = (
  request: Request,
) => Promise<Answer>;

/**
 * The connection failed before the answer was complete. What the server did is not known. Its message
 * continues a sentence about the server.
 */
export class ConnectionLost extends Error {
  readonly fault: Fault;
  /** The server's host, where it has answered before in this run. */
  knownServer: string | undefined;

  constructor(cause: unknown) {
    const fault = faultOf(cause);
    super(lasting[fault]?.what ?? describe(cause), { cause });
    this.name = 'ConnectionLost';
    this.fault = fault;
  }

  /** The certificate was not trusted. */
  get untrusted(): boolean {
    return /^certificate (?:expired|of another|unknown)$/.test(this.fault);
  }
}

/** A server that cannot be reached, or does not do its work. */
export class Unreachable extends Failure {}

/** An answer that was to be read whole, and is longer than such answers are. */
export class AnswerTooLong extends Unreachable {}

/** Reads an answer's body whole. Rejects with {@link AnswerTooLong} past `limit` bytes. */
export async function readBody(response: HttpResponse, limit = limits.answer): Promise<Answer> {
  const tooLong = () =>
    new AnswerTooLong(`The answer of ${response.url.host} is longer than ${limit} bytes.`, {
      tried: 'reading it whole; answers of its kind are shorter',
      next: 'Check the address, and the proxies on the way to it.',
    });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw tooLong();
    chunks.push(chunk);
  }
  return { ...response, body: Buffer.concat(chunks) };
}

/** An answer that was read, for who reads it again. */
export function unread(answer: Answer): HttpResponse {
  const again = async function* () {
    yield answer.body;
  };
  return { ...answer, body: again() };
}

/** Leaves an answer's body unread, which closes its connection. */
export async function abandon({ body }: Pick<HttpResponse, 'body'>): Promise<void> {
  for await (const _ of body) break;
}

/** A header that may come more than once: its first value. */
export function header(answer: { headers: IncomingHttpHeaders }, name: string) {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * A header that is a whole number, such as Content-Length; undefined where there is none, and where it
 * is something else or more than `most`.
 */
export function headerNumber(
  answer: { headers: IncomingHttpHeaders },
  name: string,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  return wholeNumber(header(answer, name), most);
}

/** A text of digits as a number of at most `most`; undefined for anything else. */
export function wholeNumber(
  text: string | undefined,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === undefined || !/^\s*\d{1,16}\s*$/.test(text)) return undefined;
  const number = Number(text);
  return number <= most ? number : undefined;
}

function codeOf(cause: unknown): string {
  return String((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** An AggregateError (several addresses were tried) has no message of its own. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || codeOf(cause) || cause.name;
}
