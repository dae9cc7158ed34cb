import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { bodyOf, serve } from '../../tools/http-server.ts';

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
