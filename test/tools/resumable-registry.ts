import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the registry behaves; fields may be changed while it runs. */
export interface Behaviour {
  /** Resets the connection when so many bytes of a request's body have been taken; once each. */
  cuts: number[];
  /** Forgets an upload whose connection broke. */
  forgetful: boolean;
  /**
   * What is asked of chunks: sent as OCI-Chunk-Min-Length; a smaller one but the last is refused.
   */
  minimumChunk?: number;
  /** Location as an absolute URL. */
  absoluteLocation: boolean;
  /** Stated in place of the digest that was computed. */
  lie?: string;
  /** Asked first; an answer given here is final. */
  answer?: (request: IncomingMessage) => { status: number; body?: string } | undefined;
}

export interface ResumableRegistry {
  /** "127.0.0.1:PORT". */
  address: string;
  behaviour: Behaviour;
  /** "METHOD path?query", in order. */
  requests: string[];
  blobs: Map<string, Buffer>;
  manifests: Map<string, { bytes: Buffer; mediaType: string }>;
  /** Uploads that are open. */
  sessions: Map<string, Session>;
  /** Bytes of layers taken over all connections. */
  receivedBytes(): number;
  stop(): Promise<void>;
}

interface Session {
  data: Buffer[];
  size: number;
  /** Part of the Location's query: a client that changes it is found out. */
  state: string;
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

/** A registry after the distribution specification that keeps interrupted uploads. */
export async function startResumableRegistry(
  changes: Partial<Behaviour> = {},
): Promise<ResumableRegistry> {
  const behaviour = { cuts: [], forgetful: false, absoluteLocation: false, ...changes };
  const state: ResumableRegistry = {
    address: '',
    behaviour,
    requests: [],
    blobs: new Map(),
    manifests: new Map(),
    sessions: new Map(),
    receivedBytes: () => received,
    stop: async () => undefined,
  };
  let received = 0;
  const count = (bytes: number) => {
    received += bytes;
  };
  const server = createServer((request, response) => {
    state.requests.push(`${request.method} ${request.url}`);
    request.on('error', () => undefined);
    const given = behaviour.answer?.(request);
    if (given) {
      request.resume();
      response.writeHead(given.status).end(given.body);
      return;
    }
    const url = new URL(request.url ?? '/', 'http://registry');
    route(state, count)(request, response, url).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  state.stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return state;
}

function route(state: ResumableRegistry, count: (bytes: number) => void): Handler {
  return async (request, response, url) => {
    const [, kind, name = ''] =
      /\/(blobs\/uploads|blobs|manifests)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (kind === 'blobs/uploads') return upload(state, count, name)(request, response, url);
    if (kind === 'blobs') return sendBytes(request, response, state.blobs.get(name));
    if (kind === 'manifests') return manifest(state, name)(request, response, url);
    response.writeHead(url.pathname === '/v2/' ? 200 : 404).end();
  };
}

function upload(state: ResumableRegistry, count: (bytes: number) => void, id: string): Handler {
  return async (request, response, url) => {
    const { behaviour, sessions } = state;
    if (request.method === 'POST') {
      const name = randomUUID();
      sessions.set(name, { data: [], size: 0, state: newState() });
      const headers = { location: location(state, name, url) };
      const { minimumChunk } = behaviour;
      const wanted = minimumChunk === undefined ? {} : { 'oci-chunk-min-length': minimumChunk };
      response.writeHead(202, { ...headers, ...wanted }).end();
      return;
    }
    const session = sessions.get(id);
    if (session?.state !== url.searchParams.get('_state')) {
      request.resume();
      response.writeHead(404).end(errors('BLOB_UPLOAD_UNKNOWN'));
      return;
    }
    if (request.method === 'GET') {
      response.writeHead(204, progress(state, id, url)).end();
      return;
    }
    if (request.method === 'DELETE') {
      sessions.delete(id);
      response.writeHead(204).end();
      return;
    }
    const range = request.headers['content-range'];
    if (range !== undefined && Number(range.split('-')[0]) !== session.size) {
      request.resume();
      response.writeHead(416, progress(state, id, url)).end();
      return;
    }
    if (!(await take(state, count, request, session))) {
      if (behaviour.forgetful) sessions.delete(id);
      return;
    }
    if (request.method === 'PUT') return close(state, id, session, response, url);
    session.state = newState();
    response.writeHead(202, progress(state, id, url)).end();
  };
}

/** Takes a body; false when the connection was cut on purpose. */
async function take(
  { behaviour }: ResumableRegistry,
  count: (bytes: number) => void,
  request: IncomingMessage,
  session: Session,
): Promise<boolean> {
  let left = request.method === 'PATCH' ? behaviour.cuts.shift() : undefined;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    const taken = chunk.subarray(0, left ?? chunk.length);
    session.data.push(taken);
    session.size += taken.length;
    count(taken.length);
    if (left === undefined) continue;
    left -= taken.length;
    if (left > 0) continue;
    request.socket.resetAndDestroy();
    return false;
  }
  return true;
}

function close(
  { behaviour, blobs, sessions }: ResumableRegistry,
  id: string,
  session: Session,
  response: ServerResponse,
  url: URL,
): void {
  const bytes = Buffer.concat(session.data);
  const digest = digestOf(bytes);
  sessions.delete(id);
  if (digest !== url.searchParams.get('digest')) {
    response.writeHead(400).end(errors('DIGEST_INVALID'));
    return;
  }
  blobs.set(digest, bytes);
  response.writeHead(201, { 'docker-content-digest': behaviour.lie ?? digest }).end();
}

function manifest({ manifests }: ResumableRegistry, name: string): Handler {
  return async (request, response) => {
    if (request.method !== 'PUT') {
      const stored = manifests.get(name);
      return sendBytes(request, response, stored?.bytes, stored?.mediaType);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const stored = { bytes, mediaType: request.headers['content-type'] ?? '' };
    manifests.set(name, stored).set(digestOf(bytes), stored);
    response.writeHead(201, { location: `/manifests/${name}` }).end();
  };
}

async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer | undefined,
  mediaType = 'application/octet-stream',
): Promise<void> {
  if (!bytes) {
    response.writeHead(404).end(errors('UNKNOWN'));
    return;
  }
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const rest = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': rest.length,
    'content-type': mediaType,
    'docker-content-digest': digestOf(bytes),
  });
  response.end(request.method === 'HEAD' ? undefined : rest);
}

function progress(state: ResumableRegistry, id: string, url: URL): Record<string, string> {
  const size = state.sessions.get(id)?.size ?? 0;
  return { location: location(state, id, url), range: `0-${Math.max(0, size - 1)}` };
}

/** With characters in the query that a client may be tempted to write otherwise. */
const newState = () => `a+b/c=~${randomUUID()}`;

function location(state: ResumableRegistry, id: string, url: URL): string {
  const { behaviour, address, sessions } = state;
  const query = `_state=${encodeURIComponent(sessions.get(id)?.state ?? '')}`;
  const path = `${url.pathname.replace(/\/uploads\/.*$/, '/uploads/')}${id}?${query}`;
  return behaviour.absoluteLocation ? `http://${address}${path}` : path;
}

const errors = (code: string) => JSON.stringify({ errors: [{ code, message: 'as told' }] });

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
