import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { zip } from './zip.ts';

/** What a wheel is made of; its file name says the rest. */
interface WheelContent {
  requires?: readonly string[];
  /** More bytes, so that a download takes a while. */
  padding?: number;
  requiresPython?: string;
  yanked?: boolean;
  /** More files. */
  files?: readonly (readonly [name: string, text: string])[];
  /** What the index says to be its size, where that is not true. */
  toldSize?: number;
}

interface PublishedWheel extends WheelContent {
  filename: string;
  bytes: Buffer;
  /** Hex sha256 of them. */
  digest: string;
  /** Of a wheel. */
  metadata: string | undefined;
}

/** How the index behaves; fields may be changed while it runs. */
export interface IndexBehaviour {
  format: 'json' | 'html';
  /** Whether pages tell digests and (JSON alone) sizes. */
  digests: boolean;
  /** Whether METADATA lies beside the wheels. */
  metadata: boolean;
  /** Whether pages are packed for clients that take that. */
  gzip: boolean;
  /** Seconds for which clients may keep a page; PyPI says 600. */
  maxAge?: number;
  /** Resets the connection when so many bytes of a wheel were sent; once each. */
  cuts: number[];
  /** Sends so many bytes of a wheel, then no more: the connection stays open. */
  stallAfter?: number | undefined;
  /** Asked first; an answer given here is final. */
  answer?: (path: string) => { status: number; type?: string; body?: string } | undefined;
}

export interface PackageIndex {
  /** "http://127.0.0.1:PORT"; an index is a folder below it. */
  url: string;
  behaviour: IndexBehaviour;
  /** "path" or "path range", in order. */
  requests: string[];
  /** Bytes of wheels sent. */
  sent(): number;
  /** Bytes of all that was sent, as they went through the sockets. */
  written(): number;
  /** Puts a wheel into an index ("cu130"); returns its bytes. One of the same name is replaced. */
  publish(index: string, filename: string, content?: WheelContent): Buffer;
  /** Puts another file into an index, such as a source archive. */
  add(index: string, filename: string, bytes: Buffer): void;
  remove(index: string, filename: string): void;
  stop(): Promise<void>;
}

/** A package index on this machine: pages in JSON or HTML, wheels that can be had in parts. */
export async function startPackageIndex(
  changes: Partial<IndexBehaviour> = {},
): Promise<PackageIndex> {
  const behaviour: IndexBehaviour = {
    ...{ format: 'json', digests: true, metadata: true, gzip: true, cuts: [] },
    ...changes,
  };
  const indexes = new Map<string, Map<string, PublishedWheel>>();
  const requests: string[] = [];
  let sent = 0;
  const count = (bytes: number) => {
    sent += bytes;
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const { range } = request.headers;
    requests.push(range === undefined ? path : `${path} ${range}`);
    const given = behaviour.answer?.(path);
    if (given !== undefined) {
      response.writeHead(given.status, { 'content-type': given.type ?? 'text/html' });
      response.end(given.body);
      return;
    }
    const [, index = '', name = '', rest] = path.split('/');
    const wheels = indexes.get(index) ?? new Map<string, PublishedWheel>();
    if (rest === '') sendPage(name, [...wheels.values()], behaviour, request, response);
    else sendFile(decodeURIComponent(name), wheels, behaviour, request, response, count);
  });
  const sockets = new Set<Socket>();
  server.on('connection', socket => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behaviour,
    requests,
    sent: () => sent,
    written: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
    publish(index, filename, content = {}) {
      const wheels = indexes.get(index) ?? new Map<string, PublishedWheel>();
      indexes.set(index, wheels);
      const metadata = metadataOf(filename, content);
      const bytes = makeWheel(filename, metadata, content.padding ?? 0, content.files);
      const digest = sha256(bytes);
      wheels.set(filename, { ...content, filename, metadata, bytes, digest });
      return bytes;
    },
    add(index, filename, bytes) {
      const files = indexes.get(index) ?? new Map<string, PublishedWheel>();
      indexes.set(index, files);
      files.set(filename, { filename, bytes, digest: sha256(bytes), metadata: undefined });
    },
    remove: (index, filename) => indexes.get(index)?.delete(filename),
    stop: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A wheel: a zip archive with the package, and the metadata that installers read. */
export function makeWheel(
  filename: string,
  metadata: string,
  padding = 0,
  more: WheelContent['files'] = [],
): Buffer {
  const [project = '', version = ''] = filename.split('-');
  const info = `${project}-${version}.dist-info`;
  const tags = filename
    .replace(/\.whl$/, '')
    .split('-')
    .slice(-3)
    .join('-');
  // bytes that do not repeat, the same for the same size
  const filler = Buffer.from(Array.from({ length: padding }, (_, at) => (at * 7919) >> 3));
  const files: [string, Buffer][] = [
    [`${project}/__init__.py`, Buffer.from(`__version__ = "${version}"\n`)],
    ...(padding === 0 ? [] : [[`${project}/filler`, filler] as [string, Buffer]]),
    ...more.map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]),
    [`${info}/METADATA`, Buffer.from(metadata)],
    [`${info}/WHEEL`, Buffer.from(`Wheel-Version: 1.0\nTag: ${tags}\n`)],
  ];
  const record = files.map(([name, bytes]) => {
    const hash = createHash('sha256').update(bytes).digest('base64url');
    return `${name},sha256=${hash},${bytes.length}`;
  });
  const lines = [...record, `${info}/RECORD,,`, ''].join('\n');
  return zip([...files, [`${info}/RECORD`, Buffer.from(lines)]]);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SRI, as Nix writes it. */
export function sri(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('base64')}`;
}

function metadataOf(filename: string, { requires = [], requiresPython }: WheelContent): string {
  const [project = '', version = ''] = filename.split('-');
  return [
    'Metadata-Version: 2.1',
    `Name: ${project}`,
    `Version: ${version}`,
    ...(requiresPython === undefined ? [] : [`Requires-Python: ${requiresPython}`]),
    ...requires.map(each => `Requires-Dist: ${each}`),
    '',
    'Made for a test.',
    '',
  ].join('\n');
}

function sendPage(
  name: string,
  all: readonly PublishedWheel[],
  behaviour: IndexBehaviour,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const project = (filename: string) =>
    filename
      .split('-')[0]
      ?.toLowerCase()
      .replace(/[-_.]+/g, '-');
  const wheels = all.filter(({ filename }) => project(filename) === name);
  if (wheels.length === 0) {
    response.writeHead(404).end('no such project');
    return;
  }
  const isJson = behaviour.format === 'json';
  const page = isJson ? jsonPage(name, wheels, behaviour) : htmlPage(name, wheels, behaviour);
  const packed = behaviour.gzip && request.headers['accept-encoding']?.includes('gzip');
  response.writeHead(200, {
    'content-type': isJson ? 'application/vnd.pypi.simple.v1+json' : 'text/html; charset=UTF-8',
    ...(packed ? { 'content-encoding': 'gzip' } : {}),
    ...(behaviour.maxAge === undefined ? {} : { 'cache-control': `max-age=${behaviour.maxAge}` }),
  });
  response.end(packed ? gzipSync(page) : page);
}

function jsonPage(
  name: string,
  wheels: readonly PublishedWheel[],
  { digests, metadata }: IndexBehaviour,
): string {
  const files = wheels.map(wheel => ({
    filename: wheel.filename,
    url: `../${encodeURIComponent(wheel.filename)}`,
    hashes: digests ? { sha256: wheel.digest } : {},
    ...(digests ? { size: wheel.toldSize ?? wheel.bytes.length } : {}),
    ...(metadata && wheel.metadata !== undefined
      ? { 'core-metadata': { sha256: sha256(Buffer.from(wheel.metadata)) } }
      : {}),
    ...(wheel.requiresPython === undefined ? {} : { 'requires-python': wheel.requiresPython }),
    yanked: wheel.yanked ?? false,
  }));
  return JSON.stringify({ meta: { 'api-version': '1.1' }, name, files });
}

function htmlPage(
  name: string,
  wheels: readonly PublishedWheel[],
  { digests, metadata }: IndexBehaviour,
): string {
  const anchors = wheels.map(wheel => {
    const fragment = digests ? `#sha256=${wheel.digest}` : '';
    const attributes = [
      `href="../${encodeURIComponent(wheel.filename)}${fragment}"`,
      ...(metadata && wheel.metadata !== undefined
        ? [`data-dist-info-metadata="sha256=${sha256(Buffer.from(wheel.metadata))}"`]
        : []),
      ...(wheel.requiresPython === undefined
        ? []
        : [`data-requires-python="${wheel.requiresPython.replace('>', '&gt;')}"`]),
      ...(wheel.yanked ? ['data-yanked=""'] : []),
    ];
    return `<a ${attributes.join(' ')}>${wheel.filename}</a><br/>`;
  });
  return `<!DOCTYPE html>\n<html><body><h1>Links for ${name}</h1>\n${anchors.join('\n')}\n</body></html>`;
}

function sendFile(
  name: string,
  wheels: ReadonlyMap<string, PublishedWheel>,
  behaviour: IndexBehaviour,
  request: IncomingMessage,
  response: ServerResponse,
  count: (bytes: number) => void,
): void {
  const wheel = wheels.get(name.replace(/\.metadata$/, ''));
  if (wheel === undefined) {
    response.writeHead(404).end('no such file');
    return;
  }
  if (name.endsWith('.metadata')) {
    response.writeHead(200).end(wheel.metadata);
    return;
  }
  const { bytes } = wheel;
  const etag = `"${wheel.digest.slice(0, 16)}"`;
  const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers;
  if (ifNoneMatch === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const [, first] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  const start = first !== undefined && ifRange === etag ? Number(first) : 0;
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const contentRange = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': bytes.length - start,
    ...(start > 0 ? { 'content-range': contentRange } : {}),
  });
  const cut = behaviour.cuts.shift() ?? behaviour.stallAfter;
  const part = bytes.subarray(start, cut === undefined ? undefined : start + cut);
  count(part.length);
  if (cut === undefined) response.end(part);
  else if (behaviour.stallAfter === undefined) {
    response.write(part, () => setImmediate(() => request.socket.destroy()));
  } else response.write(part);
}
