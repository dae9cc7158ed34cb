import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { registryHosts } from '../../../src/registry/hosts.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { instantRetries, layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import {
  type Behaviour,
  type RegistryStandIn,
  startRegistryStandIn,
} from '../../tools/registry-stand-in.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const storeOf = (
  { address }: RegistryStandIn,
  repository: string,
  { hosts = registryHosts(), host = quietHost(), waits = [] as number[] } = {},
) =>
  remoteStore(parseReference(`${address}/${repository}`), {
    ...{ host, hosts, credentials: {}, retries: instantRetries(waits) },
  });

async function start(behaviour: Partial<Behaviour>) {
  const registry = await startRegistryStandIn(behaviour);
  const [host, hosts] = [quietHost(), registryHosts()];
  const waits: number[] = [];
  const store = storeOf(registry, 'o/comfyui', { hosts, host, waits });
  stops.push(store.close, registry.stop);
  /** Uploads a layer, which must arrive, and leave no session. Gives how often it was read. */
  const upload = async (size: number) => {
    const bytes = noise(size, size % 251);
    const source = layerOf(bytes, 700_000);
    const { digest } = await store.putBlob(source);
    assert.deepEqual(registry.blobs.get(digest), bytes);
    assert.equal(registry.sessions.size, 0);
    return source.opened;
  };
  const asked = (method: string) =>
    registry.requests.filter(line => line.startsWith(`${method} `)).length;
  return { registry, store, upload, asked, waits, hosts, events: host.events };
}

const isStream = ({ headers }: IncomingMessage) => headers['content-length'] === undefined;
const mib = 2 ** 20;

describe('what a registry says of success', () => {
  for (const [method, statuses] of Object.entries({
    POST: [200, 201, 202],
    PATCH: [200, 201, 202, 204],
    PUT: [200, 201, 202, 204],
  })) {
    test(`${method} ${statuses.join(', ')} are taken as containerd takes them`, async () => {
      for (const status of statuses) {
        const { upload, waits } = await start({ successes: { [method]: status } });
        await upload(300_000);
        assert.deepEqual(waits, [], `${method} ${status}`);
      }
    });
  }

  test('after a 202 to the end of an upload, the blob is waited for', async () => {
    const { upload, asked } = await start({ hidesFor: 2 });
    await upload(300_000);
    assert.equal(asked('HEAD'), 3);
  });
});

describe('where a stream is not taken', () => {
  for (const status of [405, 411, 413, 501]) {
    test(`${status}: chunks of 4 MiB are, and the next layer begins with them`, async () => {
      const { upload, asked, waits } = await start({
        answer: request =>
          request.method === 'PATCH' && isStream(request) ? { status } : undefined,
      });
      assert.equal(await upload(9 * mib), 2);
      assert.equal(asked('PATCH'), 1 + 3);
      assert.equal(await upload(5 * mib), 1);
      assert.equal(asked('PATCH'), 4 + 2);
      assert.deepEqual(waits, []);
    });
  }

  test('chunks are halved on 413, without reading anew, and remembered', async () => {
    const { upload, asked } = await start({ largestBody: mib });
    assert.equal(await upload(3 * mib), 2);
    // a stream, 3 MiB, 2 MiB, and three times 1 MiB
    assert.equal(asked('PATCH'), 6);
    assert.equal(await upload(2 * mib), 1);
    assert.equal(asked('PATCH'), 6 + 2);
  });

  test('what one repository of a registry has learnt, another begins with', async () => {
    const { registry, upload, hosts, asked } = await start({ largestBody: mib });
    await upload(3 * mib);
    const before = asked('PATCH');
    const store = storeOf(registry, 'o/other', { hosts });
    stops.push(store.close);
    await store.putBlob(layerOf(noise(2 * mib, 5)));
    assert.equal(asked('PATCH'), before + 2);
    const stranger = storeOf(registry, 'o/other');
    stops.push(stranger.close);
    await stranger.putBlob(layerOf(noise(2 * mib, 6)));
    assert.ok(asked('PATCH') > before + 4);
  });

  test('they are not halved below 512 KiB: who takes less is told what to change', async () => {
    const { store, registry, asked } = await start({ largestBody: 400_000 });
    await assert.rejects(store.putBlob(layerOf(noise(5 * mib, 1))), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /413, too large/);
      assert.match(error.details.next ?? '', /limit of the proxy/);
      return true;
    });
    assert.equal(asked('PATCH'), 1 + 4);
    assert.equal(registry.sessions.size, 0);
  });

  test('416 halves them too, where the registry holds what we say', async () => {
    const { upload, asked, waits } = await start({
      largestChunk: mib,
      answer: request =>
        request.method === 'PATCH' && isStream(request) ? { status: 411 } : undefined,
    });
    await upload(3 * mib);
    assert.equal(asked('PATCH'), 1 + 2 + 3);
    assert.deepEqual(waits, []);
  });

  test('416 where it holds something else has nothing to do with their size', async () => {
    let asked = 0;
    const { upload, registry } = await start({ minimumChunk: mib });
    registry.behaviour.answer = ({ method }) => {
      const [session] = registry.sessions.values();
      asked += method === 'PATCH' ? 1 : 0;
      if (session && method === 'PATCH' && asked === 2) session.held = session.held.subarray(0, 5);
      return undefined;
    };
    await upload(25 * mib);
    const patches = registry.requests.filter(line => line.startsWith('PATCH'));
    // two, and all three again
    assert.equal(patches.length, 2 + 3);
  });

  test('no PATCH at all: all goes in one PUT, whose length a first packing has found', async () => {
    for (const answer of [
      { status: 405 },
      { status: 404, body: '{"errors":[{"code":"UNSUPPORTED","message":"no PATCH"}]}' },
    ]) {
      const lengths: (string | undefined)[] = [];
      const { upload, events } = await start({
        answer: ({ method, headers }) => {
          if (method === 'PUT') lengths.push(headers['content-length']);
          return method === 'PATCH' ? answer : undefined;
        },
      });
      // a stream, chunks, the packing, and the upload
      assert.equal(await upload(5 * mib), 4);
      assert.equal(await upload(mib), 2);
      assert.deepEqual(lengths, [String(5 * mib), String(mib)]);
      const said = events.flatMap(event => ('message' in event ? event.message : []));
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', /takes a layer in one request only: each is packed twice/);
    }
  });

  test('a chunk that a registry asks for is not halved', async () => {
    const { store, asked } = await start({ minimumChunk: 6 * mib, largestBody: 4 * mib });
    await assert.rejects(store.putBlob(layerOf(noise(11 * mib, 1))), /413, too large/);
    assert.equal(asked('PATCH'), 1);
  });
});

describe('a redirected upload', () => {
  const moved = ({ address }: { address: string }, { url, headers }: IncomingMessage) =>
    url?.includes('moved=')
      ? undefined
      : {
          status: headers['content-range'] === undefined ? 307 : 308,
          headers: {
            location: `http://${address.replace('127.0.0.1', 'localhost')}${url}&moved=1`,
          },
        };

  test('is followed, its stream read anew', async () => {
    const { registry, upload } = await start({});
    registry.behaviour.answer = request =>
      request.method === 'PATCH' ? moved(registry, request) : undefined;
    assert.equal(await upload(2 * mib), 2);
  });

  test('is followed with each chunk, and with the one PUT of all', async () => {
    const { registry, upload } = await start({ minimumChunk: mib });
    registry.behaviour.answer = request =>
      /PATCH|PUT/.test(request.method ?? '') ? moved(registry, request) : undefined;
    assert.equal(await upload(11 * mib), 1);
    registry.behaviour.answer = request =>
      request.method === 'PATCH' ? { status: 405 } : moved(registry, request);
    assert.equal(await upload(2 * mib), 4);
  });

  test('that leads from one place to the next for ever ends', async () => {
    const { registry, store } = await start({});
    registry.behaviour.answer = ({ method, url }) =>
      method === 'PATCH' ? { status: 307, headers: { location: `${url}&again` } } : undefined;
    await assert.rejects(store.putBlob(layerOf(noise(mib, 1))), /a redirect that is not followed/);
  });
});

test('a 429 is waited out, and nothing asked beside', async () => {
  let limited = 0;
  const { upload, asked, waits } = await start({
    answer: ({ method }) =>
      (method === 'PATCH' || method === 'PUT') && limited++ % 2 === 0
        ? { status: 429, headers: { 'retry-after': '4' } }
        : undefined,
  });
  await upload(mib);
  assert.deepEqual(waits.map(Math.floor), [4093, 4093]);
  assert.deepEqual(['POST', 'PATCH', 'PUT', 'HEAD', 'DELETE'].map(asked), [1, 2, 2, 0, 0]);
});

test('a 429 to one repository of a registry stops what is asked of the others', async () => {
  let limited = 0;
  const registry = await startRegistryStandIn({
    answer: ({ method }) => (method === 'POST' && limited++ === 0 ? { status: 429 } : undefined),
  });
  const [pausing, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sleep = () => {
    pausing.resolve();
    return over.promise;
  };
  const hosts = registryHosts();
  const open = (repository: string) =>
    remoteStore(parseReference(`${registry.address}/${repository}`), {
      ...{ host: quietHost(), hosts, credentials: {}, retries: { sleep } },
    });
  const [one, other] = [open('o/one'), open('o/other')];
  stops.push(one.close, other.close, registry.stop);
  const first = one.putBytes(Buffer.from('{}'), '');
  await pausing.promise;
  const before = registry.requests.length;
  const second = other.putBlob(layerOf(noise(1000, 1)));
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(registry.requests.length, before);
  over.resolve();
  await Promise.all([first, second]);
  assert.equal(limited, 3);
});

describe('a registry that is full', () => {
  for (const answer of [
    { status: 507 },
    { status: 500, body: '{"errors":[{"code":"UNKNOWN","message":"no space left on device"}]}' },
  ]) {
    test(`${answer.status} is believed at once, and said`, async () => {
      const { store, waits } = await start({
        answer: ({ method }) => (method === 'PATCH' || method === 'PUT' ? answer : undefined),
      });
      const whenFull = (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.match(error.message, /no space left/);
        assert.match(error.details.next ?? '', /^Free space in the registry/);
        return true;
      };
      await assert.rejects(store.putBlob(layerOf(noise(mib, 1))), whenFull);
      await assert.rejects(store.putBytes(Buffer.from('{}'), ''), whenFull);
      assert.deepEqual(waits, []);
    });
  }
});
