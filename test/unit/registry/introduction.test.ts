// What a registry wants is learnt from its first answer, and holds for all of its repositories.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { registryHosts } from '../../../src/registry/hosts.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { instantRetries, layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { type Behaviour, startRegistryStandIn } from '../../tools/registry-stand-in.ts';

/** A registry, and its repositories as one run sees them. */
async function scene(t: TestContext, behaviour: Partial<Behaviour> = {}) {
  const registry = await startRegistryStandIn(behaviour);
  const hosts = registryHosts();
  const options = { host: quietHost(), credentials: {}, hosts, retries: instantRetries() };
  const open = (repository: string) => {
    const store = remoteStore(parseReference(`${registry.address}/${repository}`), options);
    t.after(store.close);
    return store;
  };
  t.after(registry.stop);
  const asked = () => registry.requests.splice(0).map(line => line.replace(/\?.*/, ''));
  return { registry, open, asked };
}

test('where the first answer is a success, nothing is asked at the root', async t => {
  const { registry, open, asked } = await scene(t);
  registry.manifests.set('x', { bytes: Buffer.from('{}'), mediaType: '' });
  assert.ok(await open('o/x').getManifest('x'));
  assert.deepEqual(asked(), ['GET /v2/o/x/manifests/x']);
});

test('the first of many that are asked together goes ahead, and its 401 tells all', async t => {
  const { registry, open, asked } = await scene(t, { wantsTokens: true });
  registry.manifests.set('x', { bytes: Buffer.from('{}'), mediaType: '' });
  const store = open('o/x');
  assert.ok((await Promise.all([1, 2, 3].map(() => store.getManifest('x')))).every(Boolean));
  const get = 'GET /v2/o/x/manifests/x';
  assert.deepEqual(asked(), [get, 'GET /token', get, get, get]);
});

test('what is missing or forbidden to strangers may be there for others: the root is asked', async t => {
  for (const status of [403, 404]) {
    const { registry, open, asked } = await scene(t, { wantsTokens: true });
    registry.manifests.set('x', { bytes: Buffer.from('{}'), mediaType: '' });
    registry.behaviour.answer = ({ url = '', headers }) =>
      headers.authorization || !url.includes('/o/') ? undefined : { status };
    assert.ok(await open('o/x').getManifest('x'));
    const get = 'GET /v2/o/x/manifests/x';
    assert.deepEqual(asked(), [get, 'GET /v2/', 'GET /token', get]);
  }
});

test('a fault tells nothing, and the next request is the first one', async t => {
  const { registry, open, asked } = await scene(t, { wantsTokens: true });
  let faults = 2;
  registry.behaviour.answer = () => (faults-- > 0 ? { status: 503 } : undefined);
  assert.equal(await open('o/x').getManifest('x'), undefined);
  const get = 'GET /v2/o/x/manifests/x';
  assert.deepEqual(asked(), [get, get, get, 'GET /token', get]);
});

test('repositories of one registry share what it wants; that one wants nothing says nothing of another', async t => {
  const { registry, open, asked } = await scene(t, { wantsTokens: true });
  await open('o/x').getManifest('x');
  asked();
  await open('o/y').getManifest('x');
  assert.deepEqual(asked(), ['GET /token', 'GET /v2/o/y/manifests/x']);
  assert.deepEqual(registry.scopes, ['repository:o/x:pull,push', 'repository:o/y:pull,push']);

  const mixed = await scene(t, { wantsTokens: true });
  mixed.registry.behaviour.answer = ({ url = '' }) =>
    url.includes('/public/') ? { status: 200, body: '{}' } : undefined;
  await mixed.open('public/x').getManifest('x');
  await mixed.open('o/x').getManifest('x');
  assert.ok(mixed.asked().includes('GET /token'));
});

test('repositories of one registry share how it takes bytes', async t => {
  const { open, asked } = await scene(t, { largestBody: 2 ** 20 });
  const bytes = noise(3_000_000, 1);
  const refusals = async (repository: string) => {
    const { digest } = await open(repository).putBlob(layerOf(bytes));
    assert.match(digest, /^sha256:/);
    return asked().filter(line => line.startsWith('PATCH')).length;
  };
  const first = await refusals('o/x');
  assert.ok((await refusals('o/y')) < first);
});
