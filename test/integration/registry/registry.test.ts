import assert from 'node:assert/strict';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import type { Failure } from '../../../src/host/failure.ts';
import type { ClientOptions } from '../../../src/registry/client.ts';
import { openStore } from '../../../src/registry/open.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { instantRetries, layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { type HttpFault, startHttpProxy, startTcpProxy } from '../../tools/faulty-proxy.ts';
import { quietHost } from '../../tools/host.ts';
import { startNginx } from '../../tools/nginx.ts';
import { runProgram } from '../../tools/programs.ts';
import { startRegistry, type TestRegistryOptions } from '../../tools/registry.ts';
import { pushImage } from '../../tools/test-image.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function start(options?: TestRegistryOptions) {
  const registry = await startRegistry(options);
  cleanup.push(registry.stop);
  return registry;
}

function open(image: string, options: Partial<ClientOptions> = {}): ImageStore {
  const store = openStore(image, {
    host: quietHost(),
    credentials: {},
    retries: instantRetries(),
    ...options,
  });
  cleanup.push(store.close);
  return store;
}

/** What skopeo says of an image; it verifies manifest and config. */
async function inspect(reference: string, login = '') {
  const folder = mkdtempSync(join(tmpdir(), 'skopeo-'));
  const authfile = join(folder, 'auth.json');
  const [registry = ''] = reference.split('/');
  const auth = Buffer.from(login).toString('base64');
  writeFileSync(authfile, JSON.stringify({ auths: login ? { [registry]: { auth } } : {} }));
  const flags = ['--tls-verify=false', '--authfile', authfile];
  try {
    const said = await runProgram('skopeo', ['inspect', ...flags, `docker://${reference}`]);
    return JSON.parse(said) as { Digest: string; Layers: string[] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const layers = [noise(2_000_000, 1), noise(10, 2), noise(300_000, 3)];
const given = { username: 'user', password: 'secret' };

describe('a real registry', () => {
  const kinds: [string, TestRegistryOptions][] = [
    ['no auth', {}],
    ['Basic', { auth: 'htpasswd' }],
    ['tokens signed with ES256', { auth: 'token', algorithm: 'ES256' }],
    ['tokens signed with RS256', { auth: 'token', algorithm: 'RS256' }],
  ];
  for (const [name, options] of kinds) {
    test(`${name}: an image is pushed, and skopeo reads it`, async () => {
      const { address } = await start(options);
      const store = open(`${address}/o/comfyui`, { credentials: options.auth ? given : {} });
      const digest = await pushImage(
        store,
        layers.map(bytes => layerOf(bytes)),
        ['cu130', 'x'],
      );
      const seen = await inspect(`${address}/o/comfyui:cu130`, options.auth ? 'user:secret' : '');
      assert.equal(seen.Digest, digest);
      assert.deepEqual(seen.Layers, layers.map(sha256));
      assert.equal((await store.getManifest('x'))?.digest, digest);
      assert.equal(await store.getManifest('other'), undefined);
    });

    test(`${name}: a blob of another repository is mounted`, async () => {
      const { address } = await start(options);
      const credentials = options.auth ? given : {};
      const base = open(`${address}/o/base`, { credentials });
      const { digest } = await base.putBlob(layerOf(noise(1000, 4)));
      const store = open(`${address}/o/comfyui`, { credentials });
      assert.equal(await store.mountBlob(digest, 'o/base'), true);
      assert.equal(await store.hasBlob(digest), true);
      assert.equal(await store.mountBlob(sha256(noise(1, 1)), 'o/base'), false);
    });
  }

  test('TLS on this machine is found by itself', async () => {
    const { address } = await start({ tls: 'server', auth: 'htpasswd' });
    const store = open(`${address}/o/comfyui`, { credentials: given });
    await store.checkWrite?.();
    const digest = await pushImage(store, [layerOf(layers[0] ?? noise(1, 1))], ['x']);
    const seen = await inspect(`${address}/o/comfyui:x`, 'user:secret');
    assert.equal(seen.Digest, digest);
  });

  test('a certificate of the client is shown where one is kept for the registry', async () => {
    const { address, folder } = await start({ tls: 'mutual' });
    const bare = open(`${address}/o/comfyui`).logIn?.();
    await assert.rejects(async () => bare, /wants a certificate of its client/);
    const own = join(folder, 'containers/certs.d', address);
    mkdirSync(own, { recursive: true });
    copyFileSync(join(folder, 'tls/cert.pem'), join(own, 'client.cert'));
    copyFileSync(join(folder, 'tls/key.pem'), join(own, 'client.key'));
    const host = quietHost({ env: { HOME: '/nonexistent', XDG_CONFIG_HOME: folder } });
    const store = open(`${address}/o/comfyui`, { host });
    await pushImage(store, [layerOf(layers[0] ?? noise(1, 1))], ['x']);
    assert.ok(await store.getManifest('x'));
  });

  test('an identity token is exchanged for an access token', async () => {
    const { address } = await start({ auth: 'token', identityToken: 'refresh' });
    const home = mkdtempSync(join(tmpdir(), 'docker-'));
    cleanup.push(async () => rmSync(home, { recursive: true }));
    const auths = { [address]: { identitytoken: 'refresh' } };
    writeFileSync(join(home, 'config.json'), JSON.stringify({ auths }));
    const host = quietHost({ env: { HOME: home, DOCKER_CONFIG: home } });
    const { digest } = await open(`${address}/x`, { host }).putBlob(layerOf(noise(10, 5)));
    assert.match(digest, /^sha256:/);
  });

  test('a token that expires during a push is renewed', async () => {
    const registry = await start({ auth: 'token', tokenLifetime: 100 });
    let now = Date.now();
    const host = quietHost({ clock: () => now });
    const store = open(`${registry.address}/x`, { host, credentials: given });
    await store.putBlob(layerOf(noise(10, 6)));
    assert.equal(registry.askedScopes.length, 1);
    now += 95_000;
    await store.putBlob(layerOf(noise(10, 7)));
    assert.equal(registry.askedScopes.length, 2);
  });
});

describe('a registry that refuses', () => {
  test('a wrong password', async () => {
    for (const auth of ['htpasswd', 'token'] as const) {
      const { address } = await start({ auth });
      const credentials = { username: 'user', password: 'wrong' };
      const store = open(`${address}/x`, { credentials });
      await assert.rejects(store.putBlob(layerOf(noise(10, 8))), (error: Failure) => {
        assert.match(error.message, /accept/);
        assert.match(error.details.next ?? '', /user name and password/);
        assert.doesNotMatch(JSON.stringify(error.details), /wrong/);
        return true;
      });
    }
  });

  test('no login', async () => {
    const { address } = await start({ auth: 'htpasswd' });
    await assert.rejects(open(`${address}/x`).getManifest('x'), (error: Failure) => {
      assert.match(error.message, /401, a login is needed/);
      assert.match(error.details.next ?? '', /docker login/);
      return true;
    });
  });

  test('a login that may only pull is found by an upload that is given up', async () => {
    const grant = (_: string, action: string) => action === 'pull';
    const { address } = await start({ auth: 'token', grant });
    const store = open(`${address}/o/comfyui`, { credentials: given });
    await assert.rejects(async () => store.checkWrite?.(), /lacks the permission "push" \(401, /);
    const open202 = await start({ auth: 'token' });
    const allowed = open(`${open202.address}/o/comfyui`, { credentials: given });
    await allowed.checkWrite?.();
    await allowed.close();
    assert.deepEqual(globSync(join(open202.folder, 'data/**/_uploads/*/startedat')), []);
  });

  test('a scope that the token server does not grant', async () => {
    const grant = (_: string, action: string) => action === 'pull';
    const { address } = await start({ auth: 'token', grant });
    const store = open(`${address}/o/x`, { credentials: given });
    assert.equal(await store.getManifest('x'), undefined);
    await assert.rejects(store.putBlob(layerOf(noise(10, 9))), (error: Failure) => {
      assert.match(error.message, /o\/x: the registry answered 401/);
      assert.match(error.details.tried ?? '', /repository:o\/x:pull,push/);
      return true;
    });
  });
});

describe('a bad network', () => {
  test('a connection that is cut in mid-blob: the blob starts over, and is right', async () => {
    const registry = await start();
    const cuts = [1_000_000, 3_000_000];
    const proxy = await startTcpProxy(registry.address, () => {
      const resetAfter = cuts.shift();
      return resetAfter === undefined ? {} : { resetAfter };
    });
    cleanup.push(proxy.stop);
    const store = open(`${proxy.address}/x`);
    const bytes = noise(5_000_000, 10);
    const source = layerOf(bytes);
    const { digest } = await store.putBlob(source);
    assert.equal(digest, sha256(bytes));
    assert.equal(source.opened, 3);
    assert.deepEqual(
      await open(`${registry.address}/x`).getBlob({ mediaType: '', digest, size: 5_000_000 }),
      bytes,
    );
  });

  test('connections that are refused, slow or silent', async () => {
    const registry = await start();
    const faults = [{ refuse: true }, { blackHole: true }, { latency: 5, rate: 5_000_000 }];
    const proxy = await startTcpProxy(registry.address, at => faults[Math.min(at, 2)] ?? {});
    cleanup.push(proxy.stop);
    const patience = { connect: 500, stall: 500, answer: 500 };
    const store = open(`${proxy.address}/x`, { patience });
    const { digest } = await store.putBlob(layerOf(noise(500_000, 11)));
    assert.equal(await store.hasBlob(digest), true);
  });

  test('answers 429 and 5xx, and a lost answer to the last request of a blob', async () => {
    const registry = await start();
    const script: Record<string, HttpFault[]> = {
      POST: [{ status: 429, headers: { 'retry-after': '1' } }],
      PATCH: [{ status: 502 }, { status: 500 }],
      PUT: ['drop-answer', { status: 503 }],
    };
    const proxy = await startHttpProxy(registry.address, ({ method }) => script[method]?.shift());
    cleanup.push(proxy.stop);
    const store = open(`${proxy.address}/x`);
    const digest = await pushImage(store, [layerOf(noise(500_000, 12))], ['t']);
    assert.equal((await inspect(`${registry.address}/x:t`)).Digest, digest);
    assert.deepEqual(Object.values(script).flat(), []);
  });

  test('200 faults while 60 layers are pushed: only what was in flight is sent again', async () => {
    const registry = await start();
    const state = { faults: 0, inFlight: 0, at: 0 };
    const proxy = await startHttpProxy(registry.address, ({ method, url }) => {
      const fault = url === '/v2/' ? undefined : nextFault(state, method);
      if (fault !== undefined) {
        state.faults += 1;
        // after a lost answer to the closing PUT the blob is there, and is not sent again
        if (method === 'PATCH') state.inFlight += 1;
      }
      return fault;
    });
    cleanup.push(proxy.stop);
    const retries = { ...instantRetries(), attempts: 30 };
    const store = open(`${proxy.address}/o/sixty`, { retries });
    const contents = Array.from({ length: 60 }, (_, at) => noise(300_000 + at * 500, at + 1));
    const sources = contents.map(bytes => layerOf(bytes));
    const digest = await pushImage(store, sources, ['t']);
    assert.equal(state.faults, 200);
    const seen = await inspect(`${registry.address}/o/sixty:t`);
    assert.equal(seen.Digest, digest);
    assert.deepEqual(seen.Layers, contents.map(sha256));
    const direct = open(`${registry.address}/o/sixty`);
    for (const bytes of contents) {
      const descriptor = { mediaType: '', digest: sha256(bytes), size: bytes.length };
      assert.deepEqual(await direct.getBlob(descriptor), bytes);
    }
    const again = sources.reduce((sum, { opened }) => sum + opened - 1, 0);
    assert.ok(state.inFlight > 0);
    assert.ok(again <= state.inFlight, `${again} sent again for ${state.inFlight} faults`);
  });
});

/** Every kind of fault in turn, on two requests of three, 200 times. */
function nextFault(state: { faults: number; at: number }, method: string): HttpFault {
  state.at += 1;
  if (state.faults >= 200 || state.at % 3 === 0) return undefined;
  const kinds: HttpFault[] = [
    { status: 503 },
    { resetAfter: 4000 },
    'drop-answer',
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 500 },
  ];
  const fault = kinds[state.at % kinds.length];
  const hasBody = method === 'PATCH';
  return typeof fault === 'object' && 'resetAfter' in fault && !hasBody ? 'drop-answer' : fault;
}

describe('nginx before it, which keeps requests until they are whole', () => {
  for (const [what, largestBody] of [
    ['with the limit for bodies that it comes with: chunks of 1 MiB pass', undefined],
    ['with a smaller one: chunks of 512 KiB pass', '600k'],
    ['without a limit: streams pass', '0'],
  ] as const) {
    test(what, async () => {
      const registry = await start();
      const nginx = await startNginx({
        before: registry.address,
        ...(largestBody ? { largestBody } : {}),
      });
      cleanup.push(nginx.stop);
      const waits: number[] = [];
      const store = open(`${nginx.address}/o/comfyui`, { retries: instantRetries(waits) });
      const all = [noise(5_500_000, 4), ...layers];
      const sources = all.map(bytes => layerOf(bytes));
      const digest = await pushImage(store, sources, ['x']);
      const seen = await inspect(`${registry.address}/o/comfyui:x`);
      assert.equal(seen.Digest, digest);
      assert.deepEqual(seen.Layers, all.map(sha256));
      assert.deepEqual(waits, []);
      if (largestBody === '0') assert.ok(sources.every(({ opened }) => opened === 1));
    });
  }
});
