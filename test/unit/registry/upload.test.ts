import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { heldBytes, withDigest } from '../../../src/registry/session.ts';
import { instantRetries, layerOf, noise, sha256 } from '../../tools/blobs.ts';
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

async function start(behaviour: Partial<Behaviour> = {}) {
  const registry = await startRegistryStandIn(behaviour);
  const store = storeAt(registry);
  stops.push(store.close, registry.stop);
  return { registry, store };
}

const storeAt = ({ address }: RegistryStandIn, signal?: AbortSignal) =>
  remoteStore(parseReference(`${address}/o/comfyui`), {
    host: quietHost({ signal }),
    credentials: {},
    retries: instantRetries(),
  });

/** Uploads some bytes; they must arrive, and no session be left. Gives how often they were read. */
async function arrive(size: number, behaviour: Partial<Behaviour>) {
  const { registry, store } = await start(behaviour);
  const bytes = noise(size, size % 251);
  const source = layerOf(bytes);
  const progress: number[] = [];
  const { digest } = await store.putBlob(source, { onProgress: sent => progress.push(sent) });
  assert.deepEqual(registry.blobs.get(digest), bytes);
  assert.equal(registry.sessions.size, 0);
  assert.equal(progress.at(-1), size);
  return { registry, opened: source.opened, sent: registry.receivedBytes() };
}

describe('a registry that says what is not so', () => {
  test('an early 202 is no promise: what was not read is sent', async () => {
    const { opened, sent } = await arrive(5_000_000, { hasty: [300_000, 900_000] });
    assert.equal(opened, 3);
    assert.equal(sent, 5_000_000);
  });

  test('an early 202 to what is on its way as a whole is found out by the digest', async () => {
    const { opened, sent } = await arrive(300_000, { hasty: [299_900] });
    assert.equal(opened, 2);
    assert.equal(sent, 599_900);
  });

  test('it holds more than was sent, and less than there is', async () => {
    const { opened } = await arrive(2_000_000, { cuts: [700_000], overstated: 50_000 });
    assert.equal(opened, 3, 'the rest, and then all of it');
  });

  test('it holds more than there is', async () => {
    const { opened } = await arrive(800_000, { cuts: [700_000], overstated: 500_000 });
    assert.equal(opened, 3);
  });

  test('it holds more than was sent of a blob that has been sent', async () => {
    let closing = 0;
    const { opened, sent } = await arrive(300_000, {
      overstated: 1,
      answer: ({ method }) => (method === 'PUT' && closing++ === 0 ? { status: 502 } : undefined),
    });
    assert.equal(opened, 2);
    assert.equal(sent, 600_000);
  });

  test('it holds more than was sent, and refuses what would follow on that', async () => {
    const least = 11_000_000;
    const behaviour = { minimumChunk: least, cuts: [2 ** 30, 5_000_000], overstated: 7 };
    const { registry } = await arrive(25_000_000, behaviour);
    const misplaced = registry.requests.filter(line => line.startsWith('PATCH')).length - 5;
    assert.equal(misplaced, 1, 'it is tried once');
  });
});

describe('a registry that loses what it took', () => {
  test('and said that it has: the digest tells, and all of it is sent again', async () => {
    const { opened, sent } = await arrive(300_000, { losses: [1000] });
    assert.equal(opened, 2);
    assert.equal(sent, 600_000);
  });

  test('between two chunks', async () => {
    const { opened } = await arrive(25_000_000, { minimumChunk: 11_000_000, losses: [1_000_000] });
    assert.equal(opened, 2);
  });

  test('after it had acknowledged that', async () => {
    const { opened, sent } = await arrive(2_000_000, { cuts: [700_000, 0], losses: [0, 300_000] });
    assert.equal(opened, 3);
    assert.equal(sent, 2_700_000);
  });

  test('each time is given up, with the words of the registry', async () => {
    const { registry, store } = await start({ losses: [1, 1, 1, 1, 1, 1, 1, 1, 1] });
    await assert.rejects(store.putBlob(layerOf(noise(300_000, 14))), (error: Failure) => {
      assert.match(error.message, /store the blob sha256:[0-9a-f]{64} in .* 400/);
      assert.deepEqual(error.details.evidence, ['DIGEST_INVALID: as told']);
      return true;
    });
    assert.equal(registry.sessions.size, 0);
    assert.equal(registry.receivedBytes(), 600_000);
  });
});

test('a token that ends in the middle of a blob: the stream is not sent again as it is', async () => {
  const { registry, store } = await start({ wantsTokens: true, cuts: [700_000] });
  let revoked = 0;
  registry.behaviour.answer = ({ method }) => {
    if (method === 'PATCH' && revoked++ < 2) registry.revoke();
    return undefined;
  };
  const bytes = noise(2_000_000, 13);
  const source = layerOf(bytes);
  const { digest } = await store.putBlob(source);
  assert.deepEqual(registry.blobs.get(digest), bytes);
  assert.equal(source.opened, 4, 'after each 401 and the cut it begins where the registry is');
  assert.equal(registry.receivedBytes(), bytes.length);
  assert.equal(registry.scopes.length, 3);
});

describe('uploading a blob', () => {
  test('goes in one stream, and closes with its digest', async () => {
    const { registry, store } = await start();
    const bytes = noise(3_000_000, 1);
    const progress: number[] = [];
    const result = await store.putBlob(layerOf(bytes), { onProgress: sent => progress.push(sent) });
    assert.equal(result.digest, sha256(bytes));
    assert.deepEqual(registry.blobs.get(result.digest), bytes);
    assert.deepEqual(
      registry.requests.map(line => line.split(/[ ?]/)[0]),
      ['POST', 'PATCH', 'PUT'],
    );
    assert.equal(progress.at(-1), bytes.length);
    assert.equal(registry.sessions.size, 0);
  });

  test('an empty blob and an absolute Location work', async () => {
    const { registry, store } = await start({ location: 'absolute' });
    const { digest } = await store.putBlob(layerOf(Buffer.alloc(0)));
    assert.deepEqual(registry.blobs.get(digest), Buffer.alloc(0));
  });

  test('is resumed after each cut: no acknowledged byte is sent twice', async () => {
    const { registry, store } = await start({ cuts: [700_000, 1, 1_300_000] });
    const bytes = noise(5_000_000, 2);
    const source = layerOf(bytes);
    const { digest } = await store.putBlob(source);
    assert.deepEqual(registry.blobs.get(digest), bytes);
    assert.equal(registry.receivedBytes(), bytes.length);
    assert.equal(source.opened, 4);
  });

  test('starts over where the registry has forgotten the upload', async () => {
    const { registry, store } = await start({ cuts: [700_000], forgetful: true });
    const bytes = noise(2_000_000, 3);
    const { digest } = await store.putBlob(layerOf(bytes));
    assert.deepEqual(registry.blobs.get(digest), bytes);
    assert.equal(registry.receivedBytes(), 700_000 + bytes.length);
  });

  test('starts over, and ends the old session, where "0-0" says nothing', async () => {
    const { registry, store } = await start({ cuts: [1] });
    const { digest } = await store.putBlob(layerOf(noise(300_000, 4)));
    assert.equal(registry.blobs.get(digest)?.length, 300_000);
    assert.equal(registry.requests.filter(line => line.startsWith('DELETE')).length, 1);
    assert.equal(registry.sessions.size, 0);
  });

  test('starts over where what the registry kept is not what was sent', async () => {
    const { registry, store } = await start({ cuts: [700_000] });
    registry.behaviour.answer = ({ method, url }) => {
      const kept = [...registry.sessions.values()][0]?.held;
      if (method === 'GET' && url?.includes('/uploads/')) kept?.fill(0);
      return undefined;
    };
    const bytes = noise(2_000_000, 12);
    const source = layerOf(bytes);
    const { digest } = await store.putBlob(source);
    assert.deepEqual(registry.blobs.get(digest), bytes);
    assert.equal(source.opened, 3);
    assert.equal(registry.sessions.size, 0);
  });

  test('goes in chunks where the registry names a least size, each again that broke off', async () => {
    const { registry, store } = await start({
      minimumChunk: 11_000_000,
      cuts: [2 ** 30, 5_000_000],
    });
    const bytes = noise(25_000_000, 5);
    const { digest } = await store.putBlob(layerOf(bytes, 1_000_000));
    assert.deepEqual(registry.blobs.get(digest), bytes);
    assert.equal(registry.receivedBytes(), bytes.length + 5_000_000);
    assert.equal(registry.requests.filter(line => line.startsWith('PATCH')).length, 4);
  });

  test('an error of the source ends it at once, as it is, and ends the session', async () => {
    const { registry, store } = await start();
    const broken = new Failure('a file changed while it was read');
    const source = layerOf(noise(1000, 6));
    const open = () => ({
      ...source.open(),
      async *[Symbol.asyncIterator]() {
        yield Buffer.alloc(300_000);
        throw broken;
      },
    });
    await assert.rejects(store.putBlob({ ...source, open }), error => error === broken);
    assert.equal(registry.sessions.size, 0);
    assert.equal(registry.blobs.size, 0);
  });

  test('a blob that is known and there is not read', async () => {
    const { registry, store } = await start();
    const bytes = noise(1000, 7);
    registry.blobs.set(sha256(bytes), bytes);
    const source = { ...layerOf(bytes), digest: sha256(bytes) };
    source.open = () => assert.fail('it was opened');
    const result = await store.putBlob(source);
    assert.equal(result.size, 1000);
    assert.equal(result.diffId, sha256(bytes));
  });

  test('a registry that states another digest is an error', async () => {
    const lie = `sha256:${'0'.repeat(64)}`;
    const { store } = await start({ lie });
    await assert.rejects(store.putBlob(layerOf(noise(1000, 8))), /says sha256:0000/);
  });

  test('an abort ends it with the reason, and ends the session', async () => {
    const { registry, store } = await start();
    const controller = new AbortController();
    const reason = new Failure('interrupted', { exitCode: 130 });
    const source = layerOf(noise(1000, 9));
    const open = () => ({
      ...source.open(),
      async *[Symbol.asyncIterator]() {
        yield Buffer.alloc(300_000);
        controller.abort(reason);
        yield Buffer.alloc(300_000);
      },
    });
    const put = store.putBlob({ ...source, open }, { signal: controller.signal });
    await assert.rejects(put, error => error === reason);
    assert.equal(registry.sessions.size, 0);
  });

  test('a refusal names the repository, the scope and what to do', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'not for you' }] });
    const { store } = await start({
      answer: ({ method }) => (method === 'POST' ? { status: 403, body } : undefined),
    });
    await assert.rejects(store.putBlob(layerOf(noise(10, 10))), (error: Failure) => {
      assert.match(error.message, /o\/comfyui: the registry answered 403/);
      assert.match(error.details.tried ?? '', /repository:o\/comfyui:pull,push/);
      assert.deepEqual(error.details.evidence, ['DENIED: not for you']);
      assert.ok(error.details.next);
      return true;
    });
  });

  test('a connection that always breaks is given up, one that gets on each time is not', async () => {
    const { registry, store } = await start({ cuts: Array(100).fill(0) });
    const patches = () => registry.requests.filter(line => line.startsWith('PATCH')).length;
    await assert.rejects(store.putBlob(layerOf(noise(300_000, 15))), /^Failure: The connection to/);
    assert.equal(patches(), 8);
    assert.equal(registry.sessions.size, 0);
    const { opened } = await arrive(2_000_000, { cuts: Array(20).fill(limits.progress) });
    assert.equal(opened, 21);
    const creeping = await start({ cuts: Array(100).fill(limits.progress / 8) });
    await assert.rejects(creeping.store.putBlob(layerOf(noise(2_000_000, 16))), Failure);
  });

  test('a registry that fails for good is given up, with its own words', async () => {
    let puts = 0;
    const { store } = await start({
      answer: ({ method }) => {
        if (method !== 'PUT') return undefined;
        puts += 1;
        return { status: 503, body: '{"errors":[{"code":"UNAVAILABLE","message":"later"}]}' };
      },
    });
    await assert.rejects(store.putBlob(layerOf(noise(10, 11))), /answered 503/);
    assert.equal(puts, 8);
  });
});

test('the state of an upload is read with care', () => {
  assert.equal(heldBytes('0-1023'), 1024);
  assert.equal(heldBytes('bytes=0-1023'), 1024);
  for (const unclear of [undefined, '', '0-0', '5-10', 'x', '0--1', `0-${'9'.repeat(20)}`]) {
    assert.equal(heldBytes(unclear), undefined);
  }
});

test('a digest is added to a Location without touching its query', () => {
  const location = new URL('https://r.example/v2/x/blobs/upload/1?_state=a%2Bb~c%3D%3D&n=%20');
  assert.equal(
    withDigest(location, 'sha256:00').href,
    'https://r.example/v2/x/blobs/upload/1?_state=a%2Bb~c%3D%3D&n=%20&digest=sha256%3A00',
  );
});

test('a small blob goes with the request that ends its upload, and whole again where that fails', async () => {
  for (const status of [undefined, 502]) {
    let closing = 0;
    const { registry, opened, sent } = await arrive(200_000, {
      answer: ({ method }) =>
        method === 'PUT' && closing++ === 0 && status ? { status } : undefined,
    });
    assert.equal(opened, 1);
    assert.equal(sent, 200_000);
    const uploading = registry.requests.map(line => line.replace(/ .*/, ''));
    if (!status) assert.deepEqual(uploading, ['POST', 'PUT']);
    assert.ok(!uploading.includes('PATCH'));
  }
});
