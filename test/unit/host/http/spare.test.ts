import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openHttp } from '../../../../src/host/http/client.ts';
import { quietHost } from '../../../tools/host.ts';

/** A server that counts its connections, and a client that opens three more with the first one. */
async function scene(t: TestContext) {
  const sockets: Socket[] = [];
  const server = createServer((_, response) => void setTimeout(() => response.end('x'), 20));
  server.on('connection', socket => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const http = openHttp(quietHost(), { ahead: 3, silent: true });
  t.after(async () => {
    http.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const ask = async () => (await http.exchange({ method: 'GET', url })).status;
  return { sockets, http, ask };
}

test('connections that were opened along with the first one are used before others', async t => {
  const { sockets, ask } = await scene(t);
  await ask();
  assert.equal(sockets.length, 4);
  await Promise.all([1, 2, 3, 4].map(ask));
  assert.equal(sockets.length, 4);
  await Promise.all([1, 2, 3, 4, 5].map(ask));
  assert.equal(sockets.length, 5);
});

test('one that the server has closed is not used', async t => {
  const { sockets, ask } = await scene(t);
  await ask();
  const ends = sockets.map(socket => once(socket, 'close'));
  for (const socket of sockets) socket.end();
  await Promise.all(ends);
  assert.deepEqual(await Promise.all([1, 2].map(ask)), [200, 200]);
});

test('those that nobody has used are closed with the client', async t => {
  const { sockets, http, ask } = await scene(t);
  await ask();
  const ends = sockets.map(socket => once(socket, 'close'));
  http.close();
  await Promise.all(ends);
});
