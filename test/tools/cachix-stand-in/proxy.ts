import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { makeCertificate } from '../registry.ts';

/** A way on which a program that asks https://cachix.org reaches a stand-in for its API. */
export interface CachixProxy {
  /** Variables that make a Node program go there. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** Starts a CONNECT proxy, behind which is a server with a certificate for cachix.org. */
export async function startCachixProxy(api: string): Promise<CachixProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'cachix-proxy-'));
  chmodSync(folder, 0o755); // the certificate is for everybody
  const { key, cert, certFile } = makeCertificate(folder, 'ES256', 'cachix.org');
  const server = https.createServer({ key, cert }, (request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const upstream = http.request(new URL(url, api), { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(upstream);
  });
  const ends = new Set<Duplex>();
  const proxy = http.createServer().on('connect', (_, client) => {
    const { port } = server.address() as AddressInfo;
    const tunnel = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(tunnel).pipe(client);
    });
    for (const end of [tunnel, client]) ends.add(end.on('error', () => undefined));
  });
  for (const each of [server, proxy]) {
    each.listen(0, '127.0.0.1');
    await once(each, 'listening');
  }
  return {
    env: {
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NO_PROXY: '127.0.0.1,localhost',
      NODE_EXTRA_CA_CERTS: certFile,
      NODE_USE_ENV_PROXY: '1',
    },
    stop: async () => {
      for (const end of ends) end.destroy();
      proxy.close();
      proxy.closeAllConnections();
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
