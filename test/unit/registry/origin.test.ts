// How a registry is spoken to: TLS or not, and with which login.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { type HttpClient, openHttp } from '../../../src/host/http/client.ts';
import {
  ConnectionLost,
  type Exchange,
  type HttpRequest,
  readBody,
  type Send,
} from '../../../src/host/http/message.ts';
import { type RetryPolicy, retrying, usualRetries } from '../../../src/host/http/retry.ts';
import { findOrigin } from '../../../src/registry/origin.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { instantRetries } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';
import { makeCertificate } from '../../tools/registry.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

const lost = (message: string, code = 'EPROTO') =>
  new ConnectionLost(Object.assign(new Error(message), { code }));
const refusedConnection = () => lost('connect ECONNREFUSED', 'ECONNREFUSED');
const noTls = () => lost('SSL routines:ssl3_get_record:wrong version number');

type Said = Error | { status: number; body?: string };

/** An origin whose servers say the same again and again, and the addresses that were asked. */
function originOf(image: string, insecure: string[], servers: Record<string, Said>) {
  const asked: string[] = [];
  const network: Send = async ({ url }) => {
    asked.push(url.href);
    const said = servers[url.origin] ?? refusedConnection();
    if (said instanceof Error) throw said;
    const body = [Buffer.from(said.body ?? '')];
    return { status: said.status, headers: {}, url, body: Readable.from(body) };
  };
  const policy = { ...usualRetries(quietHost()), attempts: 2, sleep: async () => undefined };
  const options = { ...parseReference(image), insecure: new Set(insecure) };
  return { origin: findOrigin(options, over(network, policy)), asked };
}

/** A client of HTTP over a network of its own. */
function over(network: Send, policy: RetryPolicy): Pick<HttpClient, 'through'> {
  const { through } = openHttp(quietHost());
  return {
    through: <More extends HttpRequest>(layer: (send: Send) => Send<More>) => {
      const send = layer(network);
      const once: Exchange<More> = async asked => readBody(await send(asked));
      return { ...through(() => send), exchange: retrying(once, policy) };
    },
  };
}

const request = (url: string): HttpRequest => ({ method: 'GET', url: new URL(url) });

describe('a registry by name', () => {
  test('is asked by TLS alone; plain HTTP is told at once, with what allows it', async () => {
    const { origin, asked } = originOf('registry:5000/o/n', [], {
      'https://registry:5000': noTls(),
    });
    await assert.rejects(origin.ping(undefined), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /registry:5000 speaks plain HTTP/);
      assert.match(error.details.next ?? '', /insecure-registries: registry:5000/);
      return true;
    });
    assert.deepEqual(asked, ['https://registry:5000/v2/']);
  });

  test('that is listed is asked by TLS, then by plain HTTP, where its login goes too', async () => {
    const servers: Record<string, Said> = { 'https://registry:5000': noTls() };
    servers['http://registry:5000'] = { status: 401 };
    const { origin, asked } = originOf('registry:5000/o/n', ['registry:5000'], servers);
    assert.equal((await origin.ping(undefined)).status, 401);
    assert.deepEqual(asked, ['https://registry:5000/v2/', 'http://registry:5000/v2/']);
    assert.ok(origin.isPlain());
    assert.ok(origin.takesLogins());
    const there = origin.directed(request('https://registry:5000/v2/o/n/blobs/uploads/?a=b'));
    assert.equal(there.url.href, 'http://registry:5000/v2/o/n/blobs/uploads/?a=b');
    assert.ok(origin.owns(there.url));
    const elsewhere = request('https://storage.example/x');
    assert.equal(origin.directed(elsewhere), elsewhere);
    assert.ok(!origin.owns(elsewhere.url));
  });

  test('that is listed and speaks TLS is left in it; a list names hosts with their ports', async () => {
    const servers: Record<string, Said> = { 'https://registry:5000': { status: 200 } };
    const { origin, asked } = originOf('registry:5000/o/n', ['registry:5000'], servers);
    await origin.ping(undefined);
    assert.deepEqual(asked, ['https://registry:5000/v2/']);
    assert.ok(!origin.isPlain());
    const other = originOf('registry:5000/o/n', ['registry'], { 'https://registry:5000': noTls() });
    await assert.rejects(other.origin.ping(undefined), Failure);
  });

  test('without a port has another one for plain HTTP', async () => {
    const servers = { 'http://registry.lan': { status: 200 } };
    const { origin } = originOf('registry.lan/o/n', ['registry.lan'], servers);
    await origin.ping(undefined);
    assert.ok(origin.isPlain());
  });

  test('that is written with http:// is asked so alone, and gets a login only where it is listed', async () => {
    const servers = { 'http://registry:5000': { status: 401 } };
    const image = 'http://registry:5000/o/n';
    const { origin, asked } = originOf(image, [], servers);
    await origin.ping(undefined);
    assert.deepEqual(asked, ['http://registry:5000/v2/']);
    assert.ok(!origin.takesLogins());
    const listed = originOf(image, ['registry:5000'], servers);
    await listed.origin.ping(undefined);
    assert.ok(listed.origin.takesLogins());
    const body = 'Client sent an HTTP request to an HTTPS server.\n';
    const secure = originOf(image, [], { 'http://registry:5000': { status: 400, body } });
    await assert.rejects(secure.origin.ping(undefined), /speaks TLS, and was asked in plain HTTP/);
  });

  test('that is away is asked again as often as any, and its own fault is told', async () => {
    const { origin, asked } = originOf('registry:5000/o/n', ['registry:5000'], {});
    await assert.rejects(origin.ping(undefined), /ECONNREFUSED/);
    assert.equal(asked.length, 4);
    const plain = originOf('registry:5000/o/n', ['registry:5000'], {
      'https://registry:5000': noTls(),
    });
    await assert.rejects(plain.origin.ping(undefined), /ECONNREFUSED/);
  });

  test('with a certificate of nobody, or that wants to see one, is told at once', async () => {
    const at = async (error: Error) => {
      const { origin, asked } = originOf('r.example/o/n', [], { 'https://r.example': error });
      const failure = await origin.ping(undefined).catch((reason: unknown) => reason);
      assert.ok(failure instanceof Failure);
      assert.equal(asked.length, 1);
      return `${failure.message} ${failure.details.next}`;
    };
    const untrusted = lost('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT');
    assert.match(
      await at(untrusted),
      /r\.example is signed by nobody.*SSL_CERT_FILE.*r\.example\/ca\.crt/,
    );
    const another = originOf('r.example/o/n', [], {
      'https://r.example': lost('for others', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    });
    await assert.rejects(another.origin.ping(undefined), ConnectionLost);
    const wanted = lost('tlsv13 alert certificate required:SSL alert number 116');
    assert.match(await at(wanted), /wants a certificate of its client.*certs\.d\/r\.example/);
  });
});

/** Serves a registry that has nothing in TLS, with a certificate of its own. */
async function serveTls(options: object = {}): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'origin-'));
  const { key, cert } = makeCertificate(folder, 'ES256', 'localhost');
  rmSync(folder, { recursive: true });
  const server: Server = createServer({ key, cert, ...options }, ({ url }, response) => {
    response.writeHead(url === '/v2/' ? 200 : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

test('TLS on this machine is found where plain HTTP gets no answer, whatever its certificate', async () => {
  const port = await serveTls();
  const reference = parseReference(`127.0.0.1:${port}/o/n`);
  const store = remoteStore(reference, {
    host: quietHost(),
    credentials: {},
    retries: instantRetries(),
  });
  cleanup.push(store.close);
  assert.equal(await store.getManifest('x'), undefined);
  assert.equal(await store.hasBlob(`sha256:${'0'.repeat(64)}`), false);
});

describe('a login over plain HTTP', () => {
  /** Reads a manifest of a registry that is reached by name, with a login; the headers that came. */
  async function read(image: string, insecureRegistries: string[]) {
    const seen: (string | undefined)[] = [];
    const registry = await serve(({ headers }, response) => {
      seen.push(headers.authorization);
      const challenge = { 'www-authenticate': 'Basic realm="r"' };
      response.writeHead(headers.authorization ? 404 : 401, challenge).end();
    });
    cleanup.push(registry.stop);
    // a name leads to this machine by its proxy, which opens no tunnels for TLS
    const env = { HOME: '/nonexistent', http_proxy: registry.url, https_proxy: registry.url };
    const host = quietHost({ env });
    const credentials = { username: 'me', password: 'p:w' };
    const options = { host, credentials, insecureRegistries, retries: instantRetries() };
    const store = remoteStore(parseReference(image), options);
    cleanup.push(store.close);
    const found = await store.getManifest('x').catch((error: unknown) => error);
    return { found, seen, warnings: host.warnings };
  }

  test('is sent to what is listed', async () => {
    const { found, seen, warnings } = await read('registry.test:5000/o/n', ['registry.test:5000']);
    assert.equal(found, undefined);
    assert.equal(seen.at(-1), `Basic ${Buffer.from('me:p:w').toString('base64')}`);
    assert.deepEqual(warnings, []);
  });

  test('is not sent where only the reference says so, and that is told', async () => {
    const { found, seen, warnings } = await read('http://registry.test:5000/o/n', []);
    assert.ok(found instanceof Failure);
    assert.ok(seen.length > 0 && seen.every(header => header === undefined));
    assert.match(warnings[0] ?? '', /registry\.test:5000 speaks plain HTTP, and is sent no login/);
  });
});

test('what OpenSSL says of a server of plain HTTP is understood', async () => {
  const server = await serve((_, response) => response.end());
  cleanup.push(server.stop);
  const http = openHttp(quietHost(), { retries: instantRetries() });
  cleanup.push(http.close);
  const at = { registry: 'registry', origin: 'https://registry', insecure: new Set<string>() };
  const url = new URL(`https://${server.address}/v2/`);
  const there: typeof http.through = layer =>
    http.through(send => layer(async request => send({ ...request, url })));
  const origin = findOrigin(at, { through: there });
  await assert.rejects(origin.ping(undefined), /The registry registry speaks plain HTTP/);
});
