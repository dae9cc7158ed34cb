import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf, serve, type TestServer } from './http-server.ts';

/** How the registry behaves; fields may be changed while it runs. */
export interface Behaviour {
  /** Resets the connection when so many bytes of a PATCH have been taken; once each. */
  cuts: number[];
  /** Answers 202 when so many bytes of a PATCH have come, and takes no more of it; once each. */
  hasty: number[];
  /** Loses so many of the last bytes that it holds after a PATCH, whatever it has said; once each. */
  losses: number[];
  /** Bytes that a session is said to hold and does not, when it is asked. */
  overstated: number;
  /** Forgets an upload whose connection broke. */
  forgetful: boolean;
  /**
   * Sent as OCI-Chunk-Min-Length: only the last chunk may be smaller, what follows a smaller one is
   * refused, and of one that broke off nothing is kept.
   */
  minimumChunk?: number;
  /** Refuses larger bodies with 413, as nginx and Cloudflare do before a registry. */
  largestBody?: number;
  /** Refuses larger chunks with 416, and takes streams of any length (GHCR). */
  largestChunk?: number;
  /** What is said of success in place of the specification's 202, 202 and 201. */
  successes: Partial<Record<string, number>>;
  /** Answers 202 to the end of an upload, and shows the blob only when it was asked for so often. */
  hidesFor: number;
  /** Resets the connection when so many bytes of a blob have been given; once each. */
  blobCuts: number[];
  /** Gives all of a blob, whatever part is asked for. */
  ignoresRange: boolean;
  /** Stated in place of the digest that was computed; nothing is stated where it is empty. */
  lie?: string;
  /** How the Location of an upload is written: absolute, by its own name or by another one, or relative. */
  location: 'absolute' | 'other name' | 'path' | 'relative';
  /** Says where an upload goes on only when it is opened. */
  movesOnce: boolean;
  /** Forgets so many uploads after their first PATCH, whatever it has said. */
  forgets: number;
  /** Answers 409 to the end of an upload, though it has stored the blob (Nexus, by two at once). */
  conflicts: boolean;
  /** A mount is refused with a status, or said to be done and is not; default: an upload is opened. */
  mount?: 'lie' | number;
  /** Hands blobs out by another name, at addresses that are signed for GET and refuse a login. */
  signedBlobs: boolean;
  /** The status of a tag that is not there, in place of 404. */
  missing?: number;
  /** Takes manifests by tags alone: by a digest it refuses them, or takes them and shows them only with a tag. */
  byTagAlone?: 'refused' | 'hidden';
  /** Answers 429 to each request of this number, and to its multiples. */
  limitsEach?: number;
  /** Who may do something: has to be asked for a token, for each scope. */
  wantsTokens: boolean;
  /** The challenges with which a password is asked for ("user", "secret"), by each request. */
  wantsPassword?: string[];
  /** The status with which a manifest is refused, for what it says; undefined: it is taken. */
  isTaken?: (manifest: object) => number | undefined;
  /** The status with which a tag that is there is kept from being moved. */
  immovable?: number;
  /** Lists what refers to a manifest, one of them a page (Harbor, Zot, ECR). */
  listsReferrers: boolean;
  /** Asked first; an answer given here is final. */
  answer?: (request: IncomingMessage) => GivenAnswer | undefined;
}

interface GivenAnswer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

export interface RegistryStandIn extends Pick<TestServer, 'address' | 'stop'> {
  behaviour: Behaviour;
  /** "METHOD path?query", in order. */
  requests: string[];
  /** Scopes that tokens were asked for, in order. */
  scopes: string[];
  blobs: Map<string, Buffer>;
  manifests: Map<string, { bytes: Buffer; mediaType: string }>;
  /** Uploads that are open. */
  sessions: Map<string, Session>;
  /** Makes all tokens invalid that were given so far. */
  revoke(): void;
  /** Bytes of layers taken over all connections. */
  receivedBytes(): number;
}

interface Session {
  held: Buffer;
  /** Part of the Location's query: a client that changes it is found out. */
  state: string;
  /** Something smaller than the least size came. */
  ended: boolean;
}

interface State extends RegistryStandIn {
  tokens: Map<string, string>;
  received: number;
}

/**
 * A registry after the distribution specification that keeps interrupted uploads, and is as strict as
 * any: a session goes on only from where it is and ends only with its own digest, and a manifest only
 * names what is there.
 */
export async function startRegistryStandIn(
  changes: Partial<Behaviour> = {},
): Promise<RegistryStandIn> {
  const state: State = {
    address: '',
    behaviour: { ...wellBehaved(), ...changes },
    requests: [],
    scopes: [],
    blobs: new Map(),
    manifests: new Map(),
    sessions: new Map(),
    tokens: new Map(),
    received: 0,
    revoke: () => state.tokens.clear(),
    receivedBytes: () => state.received,
    stop: async () => undefined,
  };
  const server = await serve((request, response) => {
    state.requests.push(`${request.method} ${request.url}`);
    request.on('error', () => undefined);
    answer(state, request, response).catch(() => response.destroy());
  });
  return Object.assign(state, { address: server.address, stop: server.stop });
}

const wellBehaved = (): Behaviour => ({
  cuts: [],
  hasty: [],
  losses: [],
  overstated: 0,
  successes: {},
  hidesFor: 0,
  forgetful: false,
  movesOnce: false,
  forgets: 0,
  conflicts: false,
  signedBlobs: false,
  blobCuts: [],
  ignoresRange: false,
  location: 'path',
  wantsTokens: false,
  listsReferrers: false,
});

async function answer(state: State, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', 'http://registry');
  const given = state.behaviour.answer?.(request);
  if (given) {
    for (const [name, value] of Object.entries(given.headers ?? {}))
      response.setHeader(name, value);
    return refuse(request, response, given.status, given.body);
  }
  if (url.pathname === '/token') return giveToken(state, response, url);
  const { limitsEach, wantsPassword } = state.behaviour;
  if (limitsEach !== undefined && state.requests.length % limitsEach === 0) {
    response.setHeader('retry-after', '1');
    return refuse(request, response, 429, errors('TOOMANYREQUESTS'));
  }
  if (url.pathname.startsWith('/signed/')) return sendSigned(state, request, response);
  if (wantsPassword && request.headers.authorization !== password) {
    response.setHeader('www-authenticate', wantsPassword);
    return refuse(request, response, 401, errors('UNAUTHORIZED'));
  }
  if (state.behaviour.wantsTokens && !isAllowed(state, request)) {
    const challenge = `Bearer realm="http://${state.address}/token",service="stand-in"`;
    response.setHeader('www-authenticate', challenge);
    return refuse(request, response, 401, errors('UNAUTHORIZED'));
  }
  const [, kind, name = ''] =
    /\/(blobs\/uploads|blobs|manifests)\/([^/]*)$/.exec(url.pathname) ?? [];
  if (kind === 'blobs/uploads') return upload(state, request, response, url, name);
  if (kind === 'blobs') return sendBlob(state, request, response, name);
  if (kind === 'manifests') return manifest(state, request, response, name);
  if (url.pathname.endsWith('/tags/list')) return listTags(state, response, url);
  const [, subject] = /\/referrers\/([^/]*)$/.exec(url.pathname) ?? [];
  if (subject && state.behaviour.listsReferrers)
    return listReferrers(state, response, url, subject);
  response.writeHead(url.pathname === '/v2/' ? 200 : 404).end();
}

const password = `Basic ${Buffer.from('user:secret').toString('base64')}`;

/** What was signed is not asked with a login, and for GET alone. */
function sendSigned(state: State, request: IncomingMessage, response: ServerResponse) {
  const [, digest = ''] = /(sha256:\w+)\?/.exec(request.url ?? '') ?? [];
  const isMeant = request.headers.authorization === undefined && request.method === 'GET';
  if (!isMeant) return refuse(request, response, 400);
  return sendBytes(request, response, state.blobs.get(digest));
}

/** Answers without waiting for the body, which is thrown away. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, body?: string) {
  request.resume();
  response.writeHead(status).end(body);
}

function giveToken({ scopes, tokens }: State, response: ServerResponse, url: URL): void {
  const asked = url.searchParams.getAll('scope');
  scopes.push(...asked);
  const token = randomUUID();
  tokens.set(token, asked.join(' '));
  response.end(JSON.stringify({ token }));
}

/** Nobody writes with a token for reading. */
function isAllowed({ tokens }: State, { method, headers, url }: IncomingMessage): boolean {
  const scope = tokens.get(headers.authorization?.replace('Bearer ', '') ?? '');
  const reads = method === 'GET' || method === 'HEAD';
  return scope !== undefined && (reads || url === '/v2/' || /[:,]push\b/.test(scope));
}

async function upload(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  id: string,
): Promise<void> {
  if (request.method === 'POST') {
    return url.searchParams.has('mount') ? mount(state, response, url) : open(state, response, url);
  }
  const session = state.sessions.get(id);
  if (session?.state !== url.searchParams.get('_state')) {
    return refuse(request, response, 404, errors('BLOB_UPLOAD_UNKNOWN'));
  }
  if (request.method === 'GET') {
    const { overstated } = state.behaviour;
    response.writeHead(204, progress(state, id, url, overstated)).end();
    return;
  }
  if (request.method === 'DELETE') {
    state.sessions.delete(id);
    response.writeHead(204).end();
    return;
  }
  const refusal = refusalOf(state.behaviour, session, request);
  if (refusal) {
    for (const [name, value] of Object.entries(progress(state, id, url))) {
      response.setHeader(name, value);
    }
    return refuse(request, response, refusal.status, errors(refusal.code));
  }
  const isTaken = await take(state, request, session);
  if (request.method === 'PUT') return close(state, id, session, response, url);
  if (isTaken) {
    const { movesOnce, successes } = state.behaviour;
    if (!movesOnce) session.state = newState();
    const { location, ...held } = progress(state, id, url);
    response.writeHead(successes.PATCH ?? 202, movesOnce ? held : { location, ...held }).end();
    if (state.behaviour.forgets-- > 0) state.sessions.delete(id);
  } else if (state.behaviour.forgetful) state.sessions.delete(id);
  const lost = state.behaviour.losses.shift() ?? 0;
  session.held = session.held.subarray(0, Math.max(0, session.held.length - lost));
}

function mount(state: State, response: ServerResponse, url: URL): void {
  const { mount } = state.behaviour;
  const location = `${url.pathname}${url.searchParams.get('mount')}`;
  if (mount === undefined) open(state, response, url);
  else response.writeHead(mount === 'lie' ? 201 : mount, { location }).end();
}

function open(state: State, response: ServerResponse, url: URL): void {
  const id = randomUUID();
  state.sessions.set(id, { held: Buffer.alloc(0), state: newState(), ended: false });
  const { minimumChunk, successes } = state.behaviour;
  const wanted = minimumChunk === undefined ? {} : { 'oci-chunk-min-length': minimumChunk };
  const headers = { location: location(state, id, url), ...wanted };
  response.writeHead(successes.POST ?? 202, headers).end();
}

/** Why a session takes no such bytes. */
function refusalOf(
  { largestBody, largestChunk }: Behaviour,
  { held, ended }: Session,
  { method, headers }: IncomingMessage,
) {
  const range = headers['content-range'];
  const length = Number(headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (largestBody !== undefined && length > largestBody) return { status: 413, code: 'TOO_LARGE' };
  if (range !== undefined && length > (largestChunk ?? length)) {
    return { status: 416, code: 'SIZE_INVALID' };
  }
  if (range !== undefined && Number(range.split('-')[0]) !== held.length) {
    return { status: 416, code: 'RANGE_INVALID' };
  }
  return ended && method === 'PATCH' ? { status: 400, code: 'SIZE_INVALID' } : undefined;
}

/** Takes a body; false when the connection was cut on purpose. */
async function take(state: State, request: IncomingMessage, session: Session): Promise<boolean> {
  const { cuts, hasty, minimumChunk = 0 } = state.behaviour;
  const isPatch = request.method === 'PATCH';
  const cut = isPatch ? cuts.shift() : undefined;
  const enough = isPatch ? (cut ?? hasty.shift()) : undefined;
  const body = await beginning(request, enough);
  const isCut = cut !== undefined && body.length === cut;
  state.received += body.length;
  if (!isCut || minimumChunk === 0) session.held = Buffer.concat([session.held, body]);
  if (isPatch && !isCut) session.ended ||= body.length < minimumChunk;
  if (isCut) request.socket.resetAndDestroy();
  return !isCut;
}

/** The first bytes of a body, and no more of it; all of it where that is less, or nothing is said. */
async function beginning(request: IncomingMessage, most = Number.POSITIVE_INFINITY) {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const taken = (chunk as Buffer).subarray(0, most - size);
    chunks.push(taken);
    size += taken.length;
    if (size >= most) break;
  }
  return Buffer.concat(chunks);
}

/** A session goes on after a wrong digest: the bytes are there, and may be those of another one. */
function close(
  { behaviour, blobs, sessions }: State,
  id: string,
  { held }: Session,
  response: ServerResponse,
  url: URL,
): void {
  const digest = digestOf(held);
  if (digest !== url.searchParams.get('digest')) {
    response.writeHead(400).end(errors('DIGEST_INVALID'));
    return;
  }
  sessions.delete(id);
  blobs.set(digest, held);
  if (behaviour.conflicts) return void response.writeHead(409).end(errors('CONFLICT'));
  const status = behaviour.hidesFor > 0 ? 202 : 201;
  response.writeHead(behaviour.successes.PUT ?? status, stating(behaviour, digest)).end();
}

const stating = ({ lie }: Behaviour, digest: string): Record<string, string> =>
  lie === '' ? {} : { 'docker-content-digest': lie ?? digest };

async function manifest(
  { behaviour, manifests, blobs }: State,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
): Promise<void> {
  if (request.method !== 'PUT') {
    const stored = isShown(behaviour, manifests, name) ? manifests.get(name) : undefined;
    if (!stored && behaviour.missing) {
      response.writeHead(behaviour.missing).end(errors('DENIED'));
      return;
    }
    return sendBytes(request, response, stored?.bytes, stored?.mediaType);
  }
  const bytes = await bodyOf(request);
  const digest = digestOf(bytes);
  if (name.startsWith('sha256:') && behaviour.byTagAlone === 'refused') {
    response.writeHead(400).end(errors('TAG_INVALID'));
    return;
  }
  const isNamed = !name.startsWith('sha256:') || name === digest;
  const isWhole = namedIn(bytes).every(each => blobs.has(each) || manifests.has(each));
  if (!isNamed || !isWhole) {
    const code = isNamed ? 'MANIFEST_BLOB_UNKNOWN' : 'DIGEST_INVALID';
    response.writeHead(400).end(errors(code));
    return;
  }
  const stored = { bytes, mediaType: request.headers['content-type'] ?? '' };
  const isMoved = manifests.has(name) && name !== digest;
  const status =
    behaviour.isTaken?.(JSON.parse(bytes.toString())) ?? (isMoved && behaviour.immovable);
  if (status) {
    response.writeHead(status).end(errors('MANIFEST_INVALID'));
    return;
  }
  manifests.set(name, stored).set(digest, stored);
  const headers = { location: `/manifests/${name}`, ...stating(behaviour, digest) };
  response.writeHead(201, headers).end();
}

/** Whether a manifest is given: where they live by tags, a digest alone is not enough. */
function isShown({ byTagAlone }: Behaviour, manifests: State['manifests'], name: string): boolean {
  const wanted = manifests.get(name)?.bytes;
  const isTagged = [...manifests].some(([key, { bytes }]) => key !== name && bytes === wanted);
  return byTagAlone === undefined || !name.startsWith('sha256:') || isTagged;
}

/** Two tags a page, whatever is asked for: a page after the other has to be read. */
function listTags({ manifests }: State, response: ServerResponse, url: URL): void {
  const tags = [...manifests.keys()].filter(name => !name.startsWith('sha256:')).sort();
  const start = tags.indexOf(url.searchParams.get('last') ?? '') + 1;
  const page = tags.slice(start, start + 2);
  const next = `${url.pathname}?last=${page.at(-1)}`;
  const headers = start + 2 < tags.length ? { link: `<${next}>; rel="next"` } : {};
  response.writeHead(200, headers).end(JSON.stringify({ name: 'x', tags: page }));
}

/** One a page, so that a page after the other has to be read. */
function listReferrers({ manifests }: State, response: ServerResponse, url: URL, subject: string) {
  const found = [...manifests].flatMap(([name, { bytes, mediaType }]) => {
    const { artifactType, subject: its } = JSON.parse(bytes.toString());
    const isOne = its?.digest === subject && name.startsWith('sha256:');
    return isOne ? [{ mediaType, digest: name, size: bytes.length, artifactType }] : [];
  });
  const at = Number(url.searchParams.get('at') ?? 0);
  const next = `${url.pathname}?at=${at + 1}`;
  const headers = at + 1 < found.length ? { link: `<${next}>; rel="next"` } : {};
  const index = { schemaVersion: 2, manifests: found.slice(at, at + 1) };
  response.writeHead(200, headers).end(JSON.stringify(index));
}

/** The digests that a manifest or an index refers to. */
function namedIn(bytes: Buffer): string[] {
  const { config, layers = [], manifests = [] } = JSON.parse(bytes.toString());
  return [config, ...layers, ...manifests].flatMap(each => each?.digest ?? []);
}

function sendBlob(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  digest: string,
) {
  const { behaviour, blobs } = state;
  if (behaviour.ignoresRange) delete request.headers.range;
  if (blobs.has(digest) && behaviour.hidesFor > 0) {
    behaviour.hidesFor -= 1;
    return sendBytes(request, response, undefined);
  }
  if (behaviour.signedBlobs && blobs.has(digest)) {
    const there = `http://${state.address.replace('127.0.0.1', 'localhost')}/signed/${digest}?sig=a%2F1`;
    response.setHeader('location', there);
    return refuse(request, response, 307);
  }
  const cut = request.method === 'GET' ? behaviour.blobCuts.shift() : undefined;
  return sendBytes(request, response, blobs.get(digest), undefined, cut);
}

async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer | undefined,
  mediaType = 'application/octet-stream',
  cut?: number,
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
  if (cut !== undefined) response.write(rest.subarray(0, cut), () => response.destroy());
  else response.end(request.method === 'HEAD' ? undefined : rest);
}

/** "0-0" for one byte and for none, as distribution has it. */
function progress(state: State, id: string, url: URL, more = 0): Record<string, string> {
  const size = (state.sessions.get(id)?.held.length ?? 0) + more;
  return { location: location(state, id, url), range: `0-${Math.max(0, size - 1)}` };
}

/** With characters in the query that a client may be tempted to write otherwise. */
const newState = () => `a+b/c=~${randomUUID()}`;

function location(state: State, id: string, url: URL): string {
  const { behaviour, address, sessions } = state;
  const query = `_state=${encodeURIComponent(sessions.get(id)?.state ?? '')}`;
  const path = `${url.pathname.replace(/\/uploads\/.*$/, '/uploads/')}${id}?${query}`;
  const bases = {
    absolute: `http://${address}`,
    'other name': `http://${address.replace('127.0.0.1', 'localhost')}`,
    path: '',
  };
  if (behaviour.location === 'relative') return `../uploads/${id}?${query}`;
  return bases[behaviour.location] + path;
}

const errors = (code: string) => JSON.stringify({ errors: [{ code, message: 'as told' }] });

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
