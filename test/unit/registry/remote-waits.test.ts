import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { bodyOf, serve } from '../../tools/http-server.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';

const minute = 60_000;

/** A registry that stops before it answers some requests, and whose store tells what it waits for. */
async function stoppingAt(t: TestContext, stops: (method: string) => boolean) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const stopped = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const server = await serve(async (request, response) => {
    await bodyOf(request);
    if (stops(request.method ?? '')) {
      stopped.resolve();
      await goOn.promise;
    }
    const status = { POST: 202, PATCH: 202, PUT: 201, HEAD: 404 }[request.method ?? ''] ?? 200;
    response.writeHead(status, { location: '/v2/o/x/blobs/uploads/1' }).end();
  });
  t.after(server.stop);
  const host = quietHost();
  const store = remoteStore(parseReference(`${server.address}/o/x`), { host, credentials: {} });
  t.after(store.close);
  const said = () => host.events.flatMap(event => ('message' in event ? event.message : []));
  return { store, said, stopped: stopped.promise, goOn: goOn.resolve, address: server.address };
}

test('a registry that thinks for half a minute is named', async t => {
  const { store, said, stopped, goOn, address } = await stoppingAt(t, method => method === 'HEAD');
  const asking = store.hasBlob(`sha256:${'0'.repeat(64)}`);
  await stopped;
  t.mock.timers.tick(29_000);
  assert.deepEqual(said(), []);
  t.mock.timers.tick(2_000);
  assert.deepEqual(said(), [`Waiting for ${address}: 30 s so far.`]);
  goOn();
  assert.equal(await asking, false);
  t.mock.timers.tick(minute);
  assert.equal(said().length, 1);
});

test('an upload whose last answer takes long is named', async t => {
  const { store, said, stopped, goOn, address } = await stoppingAt(t, method => method === 'PUT');
  const putting = store.putBlob(layerOf(noise(100_000, 1)));
  await stopped;
  t.mock.timers.tick(31_000);
  assert.deepEqual(said(), [`Waiting for the upload of a layer to ${address}: 30 s so far.`]);
  goOn();
  await putting;
});

test('an upload that gets on is not', async t => {
  const { store, said } = await stoppingAt(t, () => false);
  const progress: number[] = [];
  await store.putBlob(layerOf(noise(1_000_000, 1)), {
    onProgress: sent => {
      progress.push(sent);
      t.mock.timers.tick(29_000);
    },
  });
  assert.ok(progress.length > 2);
  assert.deepEqual(said(), []);
});

/** Passes connections on to a server, and can be away for a while. */
async function doorTo(t: TestContext, target: string) {
  const [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.pipe(upstream).pipe(client);
  });
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const shut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  t.after(shut);
  const own = await listen(0);
  return { address: `127.0.0.1:${own}`, shut, reopen: () => listen(own) };
}

test('an upload goes on after a registry was away for longer than half a minute', async t => {
  const registry = await startRegistryStandIn();
  t.after(registry.stop);
  const door = await doorTo(t, registry.address);
  let waited = 0;
  const sleep = async (ms: number) => {
    const before = waited;
    waited += ms;
    if (before < 40_000 && waited >= 40_000) await door.reopen();
  };
  const host = quietHost();
  const store = remoteStore(parseReference(`${door.address}/o/x`), {
    host,
    credentials: {},
    retries: { sleep, random: () => 0.5 },
  });
  t.after(store.close);
  const bytes = noise(3_000_000, 1);
  let isShut = false;
  const onProgress = (sent: number) => {
    if (isShut || sent < 1_000_000) return;
    isShut = true;
    door.shut();
  };
  const { digest } = await store.putBlob(layerOf(bytes), { onProgress });
  assert.deepEqual(registry.blobs.get(digest), bytes);
  assert.ok(waited >= 40_000 && waited < 60_000, `${waited}`);
  const said = host.events.flatMap(event => ('message' in event ? event.message : []));
  assert.deepEqual(said, [
    `${door.address} takes no connections: waiting up to 60 s for it to come back.`,
  ]);
});
