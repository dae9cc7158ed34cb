// Whom a connection trusts, and what it shows of itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { Trust } from '../../../../src/host/http/certificates.ts';
import { openConnection } from '../../../../src/host/http/connection.ts';
import { ConnectionLost, readBody } from '../../../../src/host/http/message.ts';
import { makeCertificate } from '../../../tools/registry.ts';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0).reverse()) undo();
});

const patience = { connect: 60_000, stall: 60_000, answer: 60_000 };

/** A server of TLS that says who its client is, and the folder with its certificate. */
async function serveTls(options: ServerOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  cleanup.push(() => rmSync(folder, { recursive: true }));
  const { key, cert } = makeCertificate(folder, 'ES256', 'localhost');
  const server = createServer({ key, cert, ...options }, ({ socket }, response) => {
    const client = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
    response.end(client?.CN ?? 'nobody');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  return { host, folder, key, cert };
}

/** What a server answers to who has this environment and this trust. */
async function ask(host: string, env: Record<string, string>, trust: Partial<Trust> = {}) {
  const connection = openConnection({ HOME: '/nonexistent', ...env }, patience, trust);
  cleanup.push(connection.close);
  const get = async () =>
    readBody(await connection.send({ method: 'GET', url: new URL(`https://${host}/`) }));
  return (await get()).body.toString();
}

const untrusted = (error: unknown) => error instanceof ConnectionLost && error.untrusted;

test("the machine's authorities are asked where a certificate is not known, and once", async () => {
  const { host, cert } = await serveTls();
  let asked = 0;
  const ofMachine = () => {
    asked += 1;
    return [cert];
  };
  assert.equal(await ask(host, {}, { ofMachine }), 'nobody');
  assert.equal(asked, 1);
  await assert.rejects(ask(host, {}, { ofMachine: () => [] }), untrusted);
});

test('a host that needs no trust is taken as it is, and no other', async () => {
  const { host } = await serveTls();
  const ofMachine = () => [];
  const unverified = (name: string) => name === host;
  assert.equal(await ask(host, {}, { ofMachine, unverified }), 'nobody');
  await assert.rejects(ask(host, {}, { ofMachine, unverified: name => name !== host }), untrusted);
});

test('what is kept for one registry counts for it: its authority, and a certificate to show', async () => {
  const { host, folder, key, cert } = await serveTls({
    requestCert: true,
    rejectUnauthorized: false,
  });
  const own = join(folder, 'containers/certs.d', host);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'ca.crt'), cert);
  const env = { XDG_CONFIG_HOME: folder };
  const trust = { ofMachine: () => [] };
  assert.equal(await ask(host, env, trust), 'nobody');
  writeFileSync(join(own, 'client.cert'), cert);
  await assert.rejects(ask(host, env, trust), /client\.key could not be read/);
  writeFileSync(join(own, 'client.key'), key);
  assert.equal(await ask(host, env, trust), 'localhost');
  // of another host it says nothing
  await assert.rejects(ask(host.replace('localhost', '127.0.0.1'), env, trust), untrusted);
});

test("Docker's folder of a user is read too", async () => {
  const { host, folder, cert } = await serveTls();
  const own = join(folder, '.config/docker/certs.d', host);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'ca.crt'), cert);
  assert.equal(await ask(host, { HOME: folder }, { ofMachine: () => [] }), 'nobody');
});
