import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { adviceFor, isEcr } from '../../../src/registry/refusal.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { instantRetries, layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { startHttpProxy } from '../../tools/faulty-proxy.ts';
import { quietHost } from '../../tools/host.ts';
import { type Behaviour, startRegistryStandIn } from '../../tools/registry-stand-in.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function open(address: string, waits: number[] = [], reading = false) {
  const store = remoteStore(parseReference(`${address}/o/comfyui`), {
    host: quietHost(),
    credentials: {},
    retries: instantRetries(waits),
    reading,
  });
  stops.unshift(store.close);
  return store;
}

async function start(behaviour: Partial<Behaviour> = {}) {
  const registry = await startRegistryStandIn(behaviour);
  stops.push(registry.stop);
  return { registry, store: open(registry.address) };
}

const bytes = Buffer.from('{"schemaVersion":2}');
const digest = sha256(bytes);

describe('manifests', () => {
  test('are stored by digest and by tag with the same bytes, and read back', async () => {
    const { registry, store } = await start();
    const descriptor = await store.putManifest(bytes, mediaTypes.manifest);
    assert.deepEqual(descriptor, { mediaType: mediaTypes.manifest, digest, size: bytes.length });
    assert.deepEqual([...registry.manifests.keys()], [digest]);
    const stored = { bytes, mediaType: mediaTypes.manifest, digest };
    await store.putTag('cu130', stored);
    assert.deepEqual(await store.getManifest('cu130'), stored);
    assert.deepEqual(await store.getManifest(digest), stored);
    assert.equal(await store.getManifest('other'), undefined);
  });

  test('that name what is not there are refused', async () => {
    const { registry, store } = await start();
    const missing = { mediaType: mediaTypes.config, digest, size: bytes.length };
    const naming = Buffer.from(JSON.stringify({ config: missing, layers: [] }));
    const put = () => store.putManifest(naming, mediaTypes.manifest);
    await assert.rejects(put, (error: Failure) => {
      assert.deepEqual(error.details.evidence, ['MANIFEST_BLOB_UNKNOWN: as told']);
      return true;
    });
    registry.blobs.set(digest, bytes);
    await put();
  });

  test('are looked at again where the registry does not say what it stored', async () => {
    const { registry, store } = await start({ lie: '' });
    const stored = { bytes, mediaType: mediaTypes.manifest, digest };
    await store.putManifest(bytes, mediaTypes.manifest);
    await store.putTag('cu130', stored);
    assert.deepEqual(
      registry.requests.filter(line => line.startsWith('GET /v2/o')),
      [`GET /v2/o/comfyui/manifests/${digest}`, 'GET /v2/o/comfyui/manifests/cu130'],
    );
    registry.behaviour.answer = ({ method }) => (method === 'PUT' ? { status: 201 } : undefined);
    registry.manifests.set('cu130', { ...stored, bytes: Buffer.from('{}') });
    await assert.rejects(store.putTag('cu130', stored), /arrived with the digest/);
    registry.manifests.clear();
    await assert.rejects(store.putTag('cu130', stored), /arrived with the digest of nothing/);
  });

  test('that come back with other bytes are an error', async () => {
    const { registry, store } = await start();
    const other = { bytes: Buffer.from('{}'), mediaType: mediaTypes.manifest };
    registry.manifests.set(digest, other);
    await assert.rejects(store.getManifest(digest), /arrived with the digest/);
  });

  test('are put again where the registry does not show its blobs at once', async () => {
    const body = '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}';
    let puts = 0;
    const { registry, store } = await start({
      answer: ({ method }) => (method === 'PUT' && ++puts <= 3 ? { status: 400, body } : undefined),
    });
    await store.putManifest(bytes, mediaTypes.manifest);
    assert.ok(registry.manifests.has(digest));
  });

  test('that are refused name what was missing', async () => {
    const body = '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}';
    const { store } = await start({
      answer: ({ method }) => (method === 'PUT' ? { status: 400, body } : undefined),
    });
    await assert.rejects(store.putManifest(bytes, mediaTypes.manifest), (error: Failure) => {
      assert.ok(error instanceof Failure);
      assert.deepEqual(error.details.evidence, ['MANIFEST_BLOB_UNKNOWN: blob unknown']);
      return true;
    });
  });
});

describe('documents', () => {
  test('are stored once, and read back verified', async () => {
    const { registry, store } = await start();
    const descriptor = await store.putBytes(bytes, mediaTypes.config);
    await store.putBytes(bytes, mediaTypes.config);
    assert.equal(registry.requests.filter(line => line.startsWith('PUT')).length, 1);
    assert.deepEqual(await store.getBlob(descriptor), bytes);
    assert.equal(await store.getBlob({ ...descriptor, digest: sha256(noise(1, 1)) }), undefined);
    registry.blobs.set(digest, Buffer.from('changed'));
    await assert.rejects(store.getBlob(descriptor), Failure);
  });

  test('an answer that was lost is no reason to fail', async () => {
    const { registry } = await start();
    let dropped = 0;
    const proxy = await startHttpProxy(registry.address, ({ method }) =>
      method === 'PUT' && dropped++ === 0 ? 'drop-answer' : undefined,
    );
    stops.unshift(proxy.stop);
    const store = open(proxy.address);
    assert.equal((await store.putBytes(bytes, mediaTypes.config)).digest, digest);
    assert.equal(dropped, 1);
  });

  test('that were cut off in the middle are sent in a new session', async () => {
    const { registry } = await start({ forgetful: true });
    let cut = 0;
    const proxy = await startHttpProxy(registry.address, ({ method }) =>
      method === 'PUT' && cut++ === 0 ? { resetAfter: 5 } : undefined,
    );
    stops.unshift(proxy.stop);
    await open(proxy.address).putBytes(bytes, mediaTypes.config);
    assert.deepEqual(registry.blobs.get(digest), bytes);
    assert.equal(cut, 2);
  });
});

describe('reading a blob', () => {
  const content = noise(1_000_000, 1);
  const descriptor = { mediaType: '', digest: sha256(content), size: content.length };

  async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test('may start in the middle, and goes on after faults', async () => {
    let asked = 0;
    const { registry, store } = await start({
      answer: ({ method }) => (method === 'GET' && asked++ === 1 ? { status: 503 } : undefined),
    });
    registry.blobs.set(descriptor.digest, content);
    assert.deepEqual(await read(store.openBlob(descriptor)), content);
    assert.deepEqual(await read(store.openBlob(descriptor, 999_000)), content.subarray(999_000));
  });

  test('goes on where a connection broke, also where the registry knows no Range', async () => {
    for (const ignoresRange of [false, true]) {
      const blobCuts = [400_000, 500_000, 700_000];
      const { registry, store } = await start({ blobCuts, ignoresRange });
      registry.blobs.set(descriptor.digest, content);
      assert.deepEqual(await read(store.openBlob(descriptor)), content);
      assert.deepEqual(blobCuts, []);
    }
  });

  test('that is shorter than stated ends with a Failure', async () => {
    const { registry, store } = await start();
    registry.blobs.set(descriptor.digest, content.subarray(0, 1000));
    await assert.rejects(read(store.openBlob(descriptor)), Failure);
  });

  test('that is not there is a Failure', async () => {
    const { store } = await start();
    await assert.rejects(read(store.openBlob(descriptor)), /answered 404/);
  });
});

describe('where HEAD is not answered', () => {
  const layer = noise(100_000, 1);
  const known = { ...layerOf(layer), digest: sha256(layer), size: layer.length };

  for (const status of [400, 401, 403, 405, 501]) {
    test(`${status}: the first byte tells whether a blob is there, and of which size`, async () => {
      const { registry, store } = await start({
        answer: ({ method }) => (method === 'HEAD' ? { status } : undefined),
      });
      registry.blobs.set(known.digest, layer);
      assert.equal(await store.hasBlob(known.digest, layer.length), true);
      assert.equal(await store.hasBlob(known.digest, layer.length + 1), false);
      assert.equal(await store.hasBlob(digest), false);
    });

    test(`${status}, and a GET that is not answered either: the blob is sent`, async () => {
      const { registry, store } = await start({
        answer: ({ method, url }) =>
          method === 'HEAD' || (method === 'GET' && url?.includes('/blobs/sha256:'))
            ? { status }
            : undefined,
      });
      registry.blobs.set(known.digest, layer);
      await store.putBlob(known);
      await store.putBytes(bytes, mediaTypes.config);
      assert.deepEqual(registry.blobs.get(digest), bytes);
      assert.equal(registry.requests.filter(line => line.startsWith('PUT')).length, 2);
    });
  }

  test('204: it is there, and of what size is not said', async () => {
    const { registry, store } = await start({
      answer: ({ method }) => (method === 'HEAD' ? { status: 204 } : undefined),
    });
    assert.equal(await store.hasBlob(known.digest, layer.length), true);
    const reading = registry.requests.filter(line => /^GET .*blobs/.test(line));
    assert.deepEqual(reading, [], 'nothing else is asked of it');
  });
});

describe('mounting', () => {
  /** Answers questions for a mount with 201, and this digest in it. */
  const lending = (stated?: string): Partial<Behaviour> => ({
    answer: ({ url }) =>
      url?.includes('mount=')
        ? { status: 201, headers: stated ? { 'docker-content-digest': stated } : {} }
        : undefined,
  });

  test('201 with the digest is a success; 202 is an upload that is ended at once', async () => {
    const { registry, store } = await start(lending(digest));
    assert.equal(await store.mountBlob(digest, 'o/base'), true);
    assert.match(registry.requests.at(-1) ?? '', /\?mount=sha256%3A[0-9a-f]+&from=o%2Fbase$/);
    delete registry.behaviour.answer;
    assert.equal(await store.mountBlob(digest, 'o/base'), false);
    assert.match(registry.requests.at(-2) ?? '', /from=o%2Fbase$/);
    assert.match(registry.requests.at(-1) ?? '', /^DELETE/);
    assert.equal(registry.sessions.size, 0);
  });

  test('201 without the digest is looked after: what is not there was not mounted', async () => {
    const { registry, store } = await start(lending());
    assert.equal(await store.mountBlob(digest, 'o/base'), false);
    assert.match(registry.requests.at(-1) ?? '', /^HEAD/);
    registry.blobs.set(digest, bytes);
    assert.equal(await store.mountBlob(digest, 'o/other'), true);
  });

  test('201 with another digest is none', async () => {
    const { store } = await start(lending(sha256(noise(1, 1))));
    assert.equal(await store.mountBlob(digest, 'o/base'), false);
  });

  test('a repository that refuses one mount is not asked for the others', async () => {
    const others = [1, 2, 3, 4].map(seed => sha256(noise(10, seed)));
    for (const status of [202, 404, 405, 500]) {
      const { registry, store } = await start({
        answer: ({ url }) => (url?.includes('from=o%2Fbase') ? { status } : undefined),
      });
      const mounted = await Promise.all(others.map(each => store.mountBlob(each, 'o/base')));
      assert.deepEqual(mounted, [false, false, false, false]);
      const asked = registry.requests.filter(line => line.includes('from=o%2Fbase'));
      assert.equal(asked.length, 1, `${status}`);
      await store.mountBlob(digest, 'o/other');
      assert.ok(registry.requests.some(line => line.includes('from=o%2Fother')));
    }
  });

  test('a repository that lends is asked for each', async () => {
    const { registry, store } = await start();
    registry.behaviour.answer = ({ url }) => {
      const [, hex] = /mount=sha256%3A([0-9a-f]+)/.exec(url ?? '') ?? [];
      if (hex === undefined) return undefined;
      return { status: 201, headers: { 'docker-content-digest': `sha256:${hex}` } };
    };
    const blobs = [1, 2, 3].map(seed => sha256(noise(10, seed)));
    const mounted = await Promise.all(blobs.map(each => store.mountBlob(each, 'o/base')));
    assert.deepEqual(mounted, [true, true, true]);
  });

  test('is not tried from the repository itself', async () => {
    const { registry, store } = await start();
    assert.equal(await store.mountBlob(digest, 'o/comfyui'), false);
    assert.deepEqual(registry.requests, []);
  });

  test('that is refused leads to an upload, not to an error', async () => {
    const { store } = await start({
      answer: ({ method }) => (method === 'POST' ? { status: 403 } : undefined),
    });
    assert.equal(await store.mountBlob(digest, 'o/base'), false);
  });
});

describe('rights', () => {
  const login = async (reading: boolean) => {
    const registry = await startRegistryStandIn({ wantsTokens: true });
    stops.push(registry.stop);
    return { registry, store: open(registry.address, [], reading) };
  };

  test('who only reads asks for no right to write', async () => {
    const { registry, store } = await login(true);
    registry.blobs.set(digest, bytes);
    registry.manifests.set('x', { bytes, mediaType: mediaTypes.manifest });
    assert.equal((await store.getManifest('x'))?.digest, digest);
    assert.equal(await store.hasBlob(digest), true);
    assert.deepEqual(registry.scopes, ['repository:o/comfyui:pull']);
    await assert.rejects(store.putTag('x', { bytes, mediaType: '', digest }), (error: Failure) => {
      assert.match(error.details.tried ?? '', /scope "repository:o\/comfyui:pull"/);
      return true;
    });
    assert.ok(registry.scopes.every(scope => !scope.includes('push')));
  });

  test('who writes asks for both at once, and for the source of what is mounted', async () => {
    const { registry, store } = await login(false);
    await store.putBytes(bytes, mediaTypes.config);
    assert.deepEqual(registry.scopes, ['repository:o/comfyui:pull,push']);
    await store.mountBlob(digest, 'o/base');
    assert.deepEqual(registry.scopes.slice(1), [
      'repository:o/comfyui:pull,push',
      'repository:o/base:pull',
    ]);
  });
});

describe('a registry that cannot be reached', () => {
  test('is named, with what to check', async () => {
    const { registry, store } = await start();
    await registry.stop();
    stops.splice(0);
    await assert.rejects(store.hasBlob(digest), (error: Failure) => {
      assert.ok(error instanceof Failure);
      assert.ok(error.message.includes(registry.address));
      assert.match(error.details.next ?? '', /network/);
      return true;
    });
  });

  test('keeps to Retry-After', async () => {
    const { registry } = await start();
    let limited = 0;
    const proxy = await startHttpProxy(registry.address, () =>
      limited++ < 2 ? { status: 429, headers: { 'retry-after': '3' } } : undefined,
    );
    stops.unshift(proxy.stop);
    const waits: number[] = [];
    assert.equal(await open(proxy.address, waits).hasBlob(digest), false);
    assert.deepEqual(waits.map(Math.floor), [3093, 3187]);
  });
});

test('what to check depends on the registry', () => {
  assert.match(adviceFor('ghcr.io', 403, true), /packages: write/);
  const ecr = '1234.dkr.ecr.eu-west-1.amazonaws.com';
  assert.ok(isEcr(ecr) && !isEcr('ghcr.io'));
  assert.match(adviceFor(ecr, 404, true, 'o/x'), /create-repository --repository-name o\/x/);
  assert.match(adviceFor('r.example', 401, false), /docker login r\.example/);
  assert.match(adviceFor('r.example', 413, true), /max-layer-size/);
});
