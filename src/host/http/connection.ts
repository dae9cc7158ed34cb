import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Failure } from '../failure.ts';
import type { Host } from '../host.ts';
import { atOnce, patience as limitOf, limits } from '../limits.ts';
import { type Trust, usualTrust, type Verifying, verifying } from './certificates.ts';
import { ConnectionLost, type HttpRequest, type HttpResponse, type Send } from './message.ts';
import { proxyFor } from './proxy.ts';
import { openAhead } from './spare.ts';

/** Times after which a silent peer is given up, in ms. */
export interface Patience {
  /** For the TCP and TLS handshakes. */
  connect: number;
  /** While bytes of a body are under way and none moves. */
  stall: number;
  /** For the answer to an ordinary request. */
  answer: number;
}

const usualPatience: Patience = limitOf.http;

/** Kept-alive connections, opened on demand. */
export interface Connection {
  send: Send;
  close(): void;
}

/** A body in memory is written in pieces of this size, so that a stalled link is noticed. */
const pieceSize = 256 * 1024;

/**
 * Opens HTTP and HTTPS connections, through the proxies ({@link proxyFor}) and with the certificates
 * ({@link verifying}) of the given environment. Where the issuer of a certificate is not known, the
 * machine's own authorities are asked too.
 * @param ahead connections that are opened along with the first one to a server
 */
export function openConnection(
  env: Host['env'],
  patience: Patience = usualPatience,
  trust: Partial<Trust> = {},
  ahead = 0,
): Connection {
  const verified = verifying(env, { ...usualTrust, ...trust });
  const agents = new Map<string, http.Agent>();
  const closeSpares: (() => void)[] = [];
  const agentFor = (url: URL, proxy: URL | undefined): http.Agent => {
    const verification = url.protocol === 'https:' ? verified.of(url.host) : undefined;
    const key = `${url.protocol}${proxy?.href ?? ''} ${verification?.key ?? ''}`;
    const known = agents.get(key);
    if (known) return known;
    const agent = explained(() => makeAgent(verification?.options(), proxy, patience));
    agents.set(key, agent);
    if (ahead > 0) closeSpares.push(openAhead(agent, ahead));
    return agent;
  };
  const sendOnce: Send = async request => {
    const proxy = proxyFor(request.url, env);
    const by = proxy === undefined ? '' : ` by the proxy ${proxy.host}`;
    return send(request, { agent: agentFor(request.url, proxy), by }, patience);
  };
  return {
    send: widening(sendOnce, verified),
    close: () => {
      for (const close of closeSpares) close();
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** Sends once more, with the machine's authorities, what a certificate kept from being sent. */
function widening(sendOnce: Send, verified: Verifying): Send {
  return async request => {
    const wasWide = verified.isWide();
    try {
      return await sendOnce(request);
    } catch (error) {
      const isUnknown = error instanceof ConnectionLost && error.fault === 'certificate unknown';
      const isStream = request.body !== undefined && !Buffer.isBuffer(request.body);
      if (wasWide || isStream || !isUnknown) throw error;
      verified.widen();
      return sendOnce(request);
    }
  };
}

/** Node's own error would quote the proxy's address, which may hold a password. */
function explained(make: () => http.Agent): http.Agent {
  try {
    return make();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('Connections to other machines cannot be set up.', {
      tried: 'using HTTPS_PROXY, HTTP_PROXY and the certificates of SSL_CERT_FILE',
      next: 'Correct these variables; a proxy is written as http://host:port.',
    });
  }
}

/** An agent of HTTPS where it is told how servers are verified. */
function makeAgent(
  verification: https.AgentOptions | undefined,
  proxy: URL | undefined,
  patience: Patience,
): http.Agent {
  const proxyEnv = proxy ? { [verification ? 'HTTPS_PROXY' : 'HTTP_PROXY']: proxy.href } : {};
  // the time limit is for a proxy that opens no tunnel, and for connections that are not in use
  const timeout = patience.connect;
  const maxSockets = atOnce.connections;
  const options = { keepAlive: true, maxSockets, scheduling: 'lifo', proxyEnv, timeout } as const;
  return verification ? new https.Agent({ ...options, ...verification }) : new http.Agent(options);
}

/** How a request gets to its server. */
interface Way {
  agent: http.Agent;
  /** Ends a sentence about the connection; empty where there is no proxy. */
  by: string;
}

async function send(
  request: HttpRequest,
  { agent, by }: Way,
  patience: Patience,
): Promise<HttpResponse> {
  request.signal?.throwIfAborted();
  const { url, method, body } = request;
  const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    agent,
    headers: { 'user-agent': 'comfy-nix', ...lengthOf(method, body), ...request.headers },
    ...(request.signal ? { signal: request.signal } : {}),
  });
  const answered = answerTo(outgoing, request, by, patience);
  // the write ends before we do, so that a source is never open twice
  const written = writeBody(outgoing, body, patience.stall).catch((error: unknown) => {
    answered.fail(error);
    outgoing.destroy();
  });
  try {
    return await answered.promise;
  } finally {
    await written;
  }
}

/** The length of a body in memory; a stream goes out in HTTP chunks. */
function lengthOf(method: string, body: HttpRequest['body']): Record<string, string> {
  if (body === undefined) {
    return method === 'GET' || method === 'HEAD' ? {} : { 'content-length': '0' };
  }
  return Buffer.isBuffer(body) ? { 'content-length': String(body.length) } : {};
}

/** Waits for the answer; `fail` rejects first, for an error of the body that is sent. */
function answerTo(
  outgoing: http.ClientRequest,
  request: HttpRequest,
  by: string,
  patience: Patience,
) {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  let timer: NodeJS.Timeout | undefined;
  const expect = (ms: number, what: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => outgoing.destroy(new Error(`${what} for ${ms / 1000} s${by}`)), ms);
  };
  outgoing.once('socket', socket => {
    if (!isConnecting(socket)) return;
    expect(patience.connect, 'no connection');
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      if (outgoing.writableFinished) expect(request.answerTimeout ?? patience.answer, 'no answer');
    });
  });
  outgoing.once('finish', () => {
    if (outgoing.socket && isConnecting(outgoing.socket)) return;
    expect(request.answerTimeout ?? patience.answer, 'no answer');
  });
  outgoing.once('response', incoming => {
    clearTimeout(timer);
    // an answer before the body's end: the rest is not sent, and the connection not used again
    incoming.once('close', () => outgoing.writableFinished || outgoing.destroy());
    const body = received(incoming, request.signal, patience.stall);
    const { statusCode: status = 0, headers } = incoming;
    resolve({ status, headers, url: request.url, body });
  });
  outgoing.on('error', error => reject(reasonFor(error, request.signal)));
  outgoing.once('close', () => {
    clearTimeout(timer);
    reject(reasonFor(new Error('the connection was closed'), request.signal));
  });
  return { promise, fail: reject };
}

function isConnecting(socket: Socket): boolean {
  const { secureConnecting } = socket as Socket & { secureConnecting?: boolean };
  return socket.connecting || secureConnecting === true;
}

function reasonFor(error: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted ? signal.reason : new ConnectionLost(error);
}

/** Writes a body as fast as the peer takes it, until its end or until the server has answered. */
async function writeBody(
  outgoing: http.ClientRequest,
  body: HttpRequest['body'],
  stall: number,
): Promise<void> {
  let answered = false;
  outgoing.once('response', () => {
    answered = true;
  });
  for await (const chunk of Buffer.isBuffer(body) ? pieces(body) : (body ?? [])) {
    if (answered || outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await drained(outgoing, stall);
    // not drained, but given up: the socket may be reading the chunk, so the next is not asked for
    if (answered || outgoing.destroyed) return;
  }
  if (!outgoing.destroyed && !answered) outgoing.end();
}

function* pieces(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += pieceSize) {
    yield body.subarray(start, start + pieceSize);
  }
}

/** Waits until more can be written, or until there is no point in it; a stalled link is cut. */
function drained(outgoing: http.ClientRequest, stall: number): Promise<void> {
  return new Promise(resolve => {
    const events = ['drain', 'response', 'close'];
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`the connection took no bytes for ${stall / 1000} s`)),
      stall,
    );
    const go = () => {
      clearTimeout(timer);
      for (const event of events) outgoing.off(event, go);
      resolve();
    };
    for (const event of events) outgoing.on(event, go);
    if (outgoing.destroyed) go();
  });
}

/**
 * The bytes of an answer; leaving early closes the connection. A peer that gives nothing for the time of
 * `stall` is given up, and so is one that gives next to nothing in it, a byte now and then.
 */
async function* received(
  incoming: http.IncomingMessage,
  signal: AbortSignal | undefined,
  stall: number,
): AsyncGenerator<Buffer> {
  const chunks = incoming[Symbol.asyncIterator]();
  const least = (limits.slowestBody * stall) / 1000;
  let came = 0;
  let waited = 0;
  try {
    for (;;) {
      const since = performance.now();
      const timer = setTimeout(
        () => incoming.destroy(new Error(`the connection gave no bytes for ${stall / 1000} s`)),
        stall,
      );
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      const chunk = next.value as Buffer;
      came += chunk.length;
      waited += performance.now() - since;
      if (came >= least) came = waited = 0;
      else if (waited >= stall) throw tooSlow(came, waited);
      yield chunk;
    }
  } catch (error) {
    throw reasonFor(error, signal);
  } finally {
    if (!incoming.readableEnded) incoming.destroy();
  }
}

const tooSlow = (bytes: number, ms: number) =>
  Object.assign(new Error(`the connection gave ${bytes} bytes in ${Math.round(ms / 1000)} s`), {
    code: 'ERR_TOO_SLOW',
  });
