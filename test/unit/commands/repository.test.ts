import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openDestination, openRepository } from '../../../src/commands/build/destination.ts';
import { recall } from '../../../src/commands/build/recall.ts';
import { Failure } from '../../../src/host/failure.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';
import { type Behaviour, startRegistryStandIn } from '../../tools/registry-stand-in.ts';

/** A registry that refuses everybody's login, and what it was asked; `silent`: it never answers. */
async function refusingRegistry(t: TestContext, silent = false) {
  const asked: string[] = [];
  const left = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  const server = await serve(({ url = '', headers: { host } }, response) => {
    asked.push(url.replace(/\?.*/, ''));
    heard.resolve();
    response.once('close', () => response.writableEnded || left.resolve());
    if (silent) return;
    if (url.startsWith('/token')) return response.writeHead(403).end();
    const challenge = `Bearer realm="http://${host}/token",service="r"`;
    return response.writeHead(401, { 'www-authenticate': challenge }).end();
  });
  t.after(server.stop);
  const image = `${server.address}/o/x`;
  return { image, asked, heard: heard.promise, left: left.promise };
}

const settingsFor = (image: string, push = 'true') =>
  parseBuild(
    { image, push },
    { face: 'command-line', currentDirectory: '/', temporaryDirectory: '/', takesImage: true },
  );

const identity = { name: 'x', tag: 'y', architecture: 'amd64', hasRecipe: true };

test('a login that was refused ahead is told where the memory is read, and not tried again', async t => {
  const { image, asked } = await refusingRegistry(t);
  for (const push of ['true', 'false']) {
    asked.length = 0;
    const host = quietHost();
    const settings = settingsFor(image, push);
    const repository = openRepository(settings, host);
    repository?.logIn();
    const destination = openDestination(settings, identity, host, repository);
    const place = {
      name: 'x',
      storeDir: '/nix/store',
      architecture: 'amd64',
      targets: [],
      shared: [],
    };
    const recalling = recall(destination, settings, place, host);
    if (push === 'true') await assert.rejects(recalling, /403/);
    else await recalling;
    assert.equal(host.warnings.length, push === 'true' ? 0 : 1);
    const first = push === 'true' ? '/v2/o/x/blobs/uploads/' : '/v2/';
    assert.deepEqual(asked, [first, '/token']);
    await repository?.close();
  }
});

test('a repository that is closed ends a login that is under way', async t => {
  const { image, heard, left } = await refusingRegistry(t, true);
  const repository = openRepository(settingsFor(image), quietHost());
  assert.ok(repository);
  repository.logIn();
  await heard;
  await repository.close();
  await left;
});

test('what is written on this machine needs no login', () => {
  for (const image of ['oci:x', 'docker-archive:x', '-']) {
    assert.equal(openRepository(settingsFor(image), quietHost()), undefined);
  }
});

/** A registry whose tokens are for reading, unless it lets one write. */
function readOnly(t: TestContext, changes: Partial<Behaviour> = {}) {
  const isUpload = (url = '') => url.endsWith('/blobs/uploads/');
  return registryFor(t, {
    wantsTokens: true,
    answer: ({ url }) => (isUpload(url) ? { status: 403, body: denied } : undefined),
    ...changes,
  });
}

async function registryFor(t: TestContext, changes: Partial<Behaviour>) {
  const registry = await startRegistryStandIn(changes);
  t.after(registry.stop);
  return registry;
}

const denied = JSON.stringify({ errors: [{ code: 'DENIED', message: 'no write_package' }] });

/** What a run does before it builds: it logs in, and reads the memory. */
async function begin(image: string, push: string, login = true) {
  const host = quietHost();
  const credentials = login ? { username: 'me', password: 'p:w' } : {};
  const settings = { ...settingsFor(image, push), credentials };
  const repository = openRepository(settings, host);
  repository?.logIn();
  try {
    const destination = openDestination(settings, identity, host, repository);
    await recall(
      destination,
      settings,
      { name: 'x', storeDir: '/nix/store', architecture: 'amd64', targets: [], shared: [] },
      host,
    );
  } finally {
    await repository?.close();
  }
}

test('a login that may not write is found before anything is built, and the permission named', async t => {
  const registry = await readOnly(t);
  await assert.rejects(begin(`${registry.address}/o/x`, 'true'), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /may not write to .*\/o\/x: it lacks the permission "push" \(403/);
    assert.deepEqual(error.details.evidence, ['DENIED: no write_package']);
    assert.match(error.details.next ?? '', /permission to push/);
    return true;
  });
});

test('of a registry that has refused the login by then nothing else is asked', async t => {
  const registry = await readOnly(t);
  const settings = settingsFor(`${registry.address}/o/x`);
  const repository = openRepository(settings, quietHost());
  assert.ok(repository);
  repository.logIn();
  await assert.rejects(repository.loggedIn(), /403/);
  const asked = registry.requests.length;
  const destination = openDestination(settings, identity, quietHost(), repository);
  const place = {
    name: 'x',
    storeDir: '/nix/store',
    architecture: 'amd64',
    targets: [],
    shared: [],
  };
  await assert.rejects(recall(destination, settings, place, quietHost()), /403/);
  assert.equal(registry.requests.length, asked);
  await repository.close();
});

test('where this login may write, a refusal of the memory says that there is none', async t => {
  const registry = await registryFor(t, {});
  for (const status of [400, 401, 403]) {
    registry.behaviour.answer = ({ url = '' }) =>
      url.includes('/manifests/') ? { status } : undefined;
    await begin(`${registry.address}/o/x`, 'true');
  }
});

test('a token that may only pull is told with what the registry calls it', async t => {
  const registry = await registryFor(t, {});
  registry.behaviour.answer = ({ method, headers }) => {
    if (method !== 'POST') return headers.authorization ? undefined : challenged(registry.address);
    return { ...challenged(registry.address), body: '' };
  };
  const run = begin(`${registry.address}/o/x`, 'true');
  await assert.rejects(run, /lacks the permission "push" \(401, insufficient_scope\)/);
});

const challenged = (address: string) => ({
  status: 401,
  headers: {
    'www-authenticate': `Bearer realm="http://${address}/token",service="s",error="insufficient_scope"`,
  },
});

test('a wrong password is told as such, where it comes with each request', async t => {
  const headers = { 'www-authenticate': 'Basic realm="r"' };
  const registry = await registryFor(t, { answer: () => ({ status: 401, headers }) });
  const run = begin(`${registry.address}/o/x`, 'true');
  await assert.rejects(run, /Could not open an upload to .* 401, the login was not accepted/);
});

test('who has no login is told to log in', async t => {
  const registry = await readOnly(t, { wantsTokens: false });
  const run = begin(`${registry.address}/o/x`, 'true', false);
  await assert.rejects(run, /Could not open an upload to .* 403, access is denied/);
});

test('a run that does not push opens no upload, one that does leaves none open', async t => {
  const registry = await registryFor(t, { wantsTokens: true });
  const image = `${registry.address}/o/x`;
  await begin(image, 'false');
  assert.ok(registry.requests.every(line => !line.startsWith('POST')));
  await begin(image, 'true');
  const uploads = registry.requests.filter(line => /^(POST|DELETE)/.test(line));
  const methods = uploads.map(line => line.replace(/ .*/, ''));
  assert.deepEqual(methods, ['POST', 'POST', 'DELETE'], 'the first one had no token');
  assert.equal(registry.sessions.size, 0);
});

test('what may be over by then is left to the upload itself', async t => {
  for (const status of [429, 500, 503, 400, 200]) {
    const registry = await readOnly(t, {
      answer: ({ method }) => (method === 'POST' ? { status } : undefined),
    });
    await begin(`${registry.address}/o/x`, 'true');
  }
});
