import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { Failure } from '../../../../src/host/failure.ts';
import { openConnection } from '../../../../src/host/http/connection.ts';
import { ConnectionLost, readBody, type Send } from '../../../../src/host/http/message.ts';
import { following, resolveLocation } from '../../../../src/host/http/redirect.ts';
import { makeCertificate } from '../../../tools/registry.ts';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0).reverse()) undo();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** Connections are made in any time: on a busy machine it can be long. */
function connection(env: Record<string, string> = {}, patience = 60_000): Send {
  const opened = openConnection(env, { connect: 60_000, stall: patience, answer: patience });
  cleanup.push(opened.close);
  return opened.send;
}

const quick = 50;

describe('a connection', () => {
  test('keeps to the reader: an early answer ends the sending', async () => {
    const port = await listen(
      http.createServer((_, response) => response.writeHead(413).end('too much')),
    );
    let given = 0;
    const endless = (async function* () {
      for (;;) {
        given += 1;
        yield Buffer.alloc(1 << 20);
      }
    })();
    const url = new URL(`http://127.0.0.1:${port}/`);
    const answer = await readBody(await connection()({ method: 'PATCH', url, body: endless }));
    assert.equal(answer.status, 413);
    assert.equal(answer.body.toString(), 'too much');
    assert.ok(given < 1000);
  });

  test('asks for no more where a chunk may still be on its way', async () => {
    const port = await listen(
      http.createServer((_, response) => response.writeHead(413).end('too much')),
    );
    let asked = 0;
    const body = (async function* () {
      for (;;) {
        asked += 1;
        yield Buffer.alloc(64 << 20); // more than the machine's own buffers take
      }
    })();
    const url = new URL(`http://127.0.0.1:${port}/`);
    await readBody(await connection()({ method: 'PATCH', url, body }));
    assert.equal(asked, 1);
  });

  test('a peer that takes nothing, answers nothing or stops is given up', async () => {
    const port = await listen(createServer(socket => socket.pause()));
    const url = new URL(`http://127.0.0.1:${port}/`);
    const send = connection({}, quick);
    await assert.rejects(send({ method: 'GET', url }), /no answer for 0.05 s/);
    const body = Buffer.alloc(64 << 20);
    await assert.rejects(send({ method: 'PUT', url, body }), /took no bytes for 0.05 s/);
    const halfPort = await listen(
      http.createServer((_, response) => {
        response.writeHead(200, { 'content-length': 10 }).write('half');
      }),
    );
    const half = await send({ method: 'GET', url: new URL(`http://127.0.0.1:${halfPort}/`) });
    await assert.rejects(readBody(half), /gave no bytes for 0.05 s/);
  });

  test('a peer that gives a byte now and then is given up, and so is a header without end', async () => {
    const port = await listen(
      http.createServer((request, response) => {
        if (request.url === '/header')
          return void response.setHeader('x', 'x'.repeat(60_000)).end();
        const timer = setInterval(() => response.write('x'), quick / 5);
        response.once('close', () => clearInterval(timer));
      }),
    );
    // bytes come often enough also on a busy machine
    const send = connection({}, 10 * quick);
    const trickle = await send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/`) });
    await assert.rejects(readBody(trickle), (error: unknown) => {
      assert.ok(error instanceof ConnectionLost);
      assert.match(error.message, /gave \d+ bytes in/);
      assert.equal(error.fault, 'slow');
      return true;
    });
    const header = connection()({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/header`) });
    await assert.rejects(header, { name: 'ConnectionLost', fault: 'no HTTP' });
  });

  test('a connection that is not made is told apart from an error of what is sent', async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    const send = connection();
    const url = new URL(`http://127.0.0.1:${port}/`);
    await assert.rejects(send({ method: 'GET', url }), (error: unknown) => {
      assert.ok(error instanceof ConnectionLost);
      assert.equal(error.fault, 'away');
      return true;
    });
  });

  test('goes through a CONNECT tunnel to a server with a certificate of one’s own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tls-'));
    cleanup.push(() => rmSync(folder, { recursive: true }));
    const { key, cert, certFile } = makeCertificate(folder, 'ES256', 'registry.test');
    const port = await listen(
      https.createServer({ key, cert }, (request, response) => response.end(request.url)),
    );
    const tunnels: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request, client: Socket) => {
      tunnels.push(`${request.url} ${request.headers['proxy-authorization']}`);
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
    const proxyPort = await listen(proxy);
    const url = new URL('https://registry.test/v2/');
    const HTTPS_PROXY = `http://me:pass@127.0.0.1:${proxyPort}`;

    const login = Buffer.from('me:pass').toString('base64');
    for (const name of ['SSL_CERT_FILE', 'NIX_SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
      const trusting = connection({ HTTPS_PROXY, [name]: certFile });
      const answer = await readBody(await trusting({ method: 'GET', url }));
      assert.equal(answer.body.toString(), '/v2/');
      assert.equal(tunnels.pop(), `registry.test:443 Basic ${login}`);
    }

    await assert.rejects(connection({ HTTPS_PROXY })({ method: 'GET', url }), (error: unknown) => {
      assert.ok(error instanceof ConnectionLost && error.untrusted);
      return true;
    });
  });

  test('a proxy that opens no tunnel is given up; a wrong one is not quoted', async () => {
    const port = await listen(createServer(socket => socket.pause()));
    const url = new URL('https://registry.test/v2/');
    const impatient = { connect: quick, stall: quick, answer: quick };
    const silent = openConnection({ HTTPS_PROXY: `http://127.0.0.1:${port}` }, impatient);
    cleanup.push(silent.close);
    await assert.rejects(silent.send({ method: 'GET', url }), ConnectionLost);
    const wrong = connection({ HTTPS_PROXY: 'http://me:hidden@' });
    await assert.rejects(wrong({ method: 'GET', url }), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.doesNotMatch(inspect(error), /hidden/);
      return true;
    });
  });

  test('an answer may take longer than a connection', async () => {
    const port = await listen(
      http.createServer((_, response) => setTimeout(() => response.end('done'), 5 * quick)),
    );
    const opened = openConnection({}, { connect: 60_000, stall: quick, answer: 60_000 });
    cleanup.push(opened.close);
    const url = new URL(`http://127.0.0.1:${port}/`);
    const answer = await readBody(await opened.send({ method: 'PUT', url }));
    assert.equal(answer.body.toString(), 'done');
  });

  test('a registry on this machine is reached without the proxy', async () => {
    const port = await listen(http.createServer((_, response) => response.end('direct')));
    const send = connection({ HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' });
    const url = new URL(`http://127.0.0.1:${port}/`);
    assert.equal((await readBody(await send({ method: 'GET', url }))).body.toString(), 'direct');
  });
});

describe('redirects', () => {
  test('are followed, except for a body that is a stream', async () => {
    const port = await listen(
      http.createServer((request, response) => {
        request.resume();
        if (request.url === '/end') return void response.end('there');
        response.writeHead(307, { location: '/end' }).end();
      }),
    );
    const url = new URL(`http://127.0.0.1:${port}/start`);
    const send = following(connection());
    const answer = await readBody(await send({ method: 'GET', url }));
    assert.equal(answer.body.toString(), 'there');
    assert.equal(answer.url.pathname, '/end');
    const body = (async function* () {
      yield Buffer.from('x');
    })();
    assert.equal((await send({ method: 'PATCH', url, body })).status, 307);
  });

  test('to another origin take no login along', async () => {
    const seen: (string | undefined)[] = [];
    const answers = ['/there', 'https://other.example/', 'https://r.example/', undefined];
    const hops: Send = async ({ url, headers }) => {
      seen.push(headers?.authorization);
      const location = answers[seen.length - 1];
      const empty = (async function* () {})();
      return {
        status: location ? 302 : 200,
        headers: location ? { location } : {},
        url,
        body: empty,
      };
    };
    const url = new URL('https://r.example/');
    await following(hops)({ method: 'GET', url, headers: { authorization: 'Bearer t' } });
    assert.deepEqual(seen, ['Bearer t', 'Bearer t', undefined, undefined]);
  });

  test('take a body nowhere else, unless it is content, and that not to plain HTTP', async () => {
    const sent: string[] = [];
    const location = { there: 'https://other.example/', plain: 'http://other.example/' };
    const hops: Send = async ({ url, body }) => {
      sent.push(`${url.host} ${body}`);
      const status = url.host === 'r.example' ? 307 : 200;
      const empty = (async function* () {})();
      const to = url.pathname === '/plain' ? location.plain : location.there;
      return { status, headers: { location: to }, url, body: empty };
    };
    const post = async (path: string, bodyMayMove: boolean) => {
      const body = Buffer.from('secret');
      const url = new URL(path, 'https://r.example');
      return (await following(hops)({ method: 'POST', url, body, bodyMayMove })).status;
    };
    assert.equal(await post('/there', false), 307);
    assert.equal(await post('/plain', true), 307);
    assert.equal(await post('/there', true), 200);
    assert.deepEqual(sent.slice(2), ['r.example secret', 'other.example secret']);
  });

  test('of others say nothing of who we are', () => {
    const base = new URL('https://r.example/v2/');
    for (const location of [
      'https://u:p@r.example/x',
      '//u:p@r.example/x',
      'http://u@r.example/x',
    ]) {
      assert.equal(resolveLocation(location, base)?.href, 'https://r.example/x');
    }
  });

  test('a loop ends', async () => {
    let hops = 0;
    const loop: Send = async ({ url }) => {
      hops += 1;
      const empty = (async function* () {})();
      return { status: 307, headers: { location: '/again' }, url, body: empty };
    };
    const url = new URL('https://r.example/');
    assert.equal((await following(loop)({ method: 'GET', url })).status, 307);
    assert.equal(hops, 11);
  });

  test('a Location keeps its query, and HTTPS where a proxy hides it from the registry', () => {
    const base = new URL('https://r.example:8443/v2/x/blobs/uploads/');
    const resolved = (location: string) => resolveLocation(location, base)?.href;
    assert.equal(resolved('/v2/u?_state=a%2B=~'), 'https://r.example:8443/v2/u?_state=a%2B=~');
    assert.equal(resolved('http://r.example/u?s=1'), 'https://r.example:8443/u?s=1');
    assert.equal(resolved('http://storage.example/u'), 'http://storage.example/u');
    assert.equal(resolved('ftp://r.example/u'), undefined);
    assert.equal(resolved('https://['), undefined);
  });
});
