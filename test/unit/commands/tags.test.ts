import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { moveTags, moveTagsAtOnce } from '../../../src/commands/tags.ts';
import { Failure } from '../../../src/host/failure.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';

const bytes = Buffer.from('{"schemaVersion":2}');
const digest = sha256(bytes);
const manifest = { bytes, mediaType: mediaTypes.manifest, digest };

/** A repository that has the manifest by its digest. */
async function repository(context: TestContext) {
  const registry = await startRegistryStandIn();
  const store = storeOn(context, registry, 'o/x');
  await store.putManifest(bytes, mediaTypes.manifest);
  registry.requests.length = 0;
  return { registry, store };
}

test('tags move in their order, once the registry gave the manifest back', async t => {
  const { registry, store } = await repository(t);
  await moveTags(store, ['cu130', 'latest'], manifest, quietHost());
  assert.deepEqual(registry.requests, [
    `GET /v2/o/x/manifests/${digest}`,
    'PUT /v2/o/x/manifests/cu130',
    'PUT /v2/o/x/manifests/latest',
  ]);
  assert.deepEqual(registry.manifests.get('latest')?.bytes, bytes);
});

test('a tag that was seen to name the manifest is left, and shows that it is there', async t => {
  const { registry, store } = await repository(t);
  await moveTags(store, ['cu130', 'latest'], manifest, quietHost(), ['cu130']);
  assert.deepEqual(registry.requests, ['PUT /v2/o/x/manifests/latest']);
});

test('a manifest that a registry has by tags alone is asked for by the first of them', async t => {
  for (const byTagAlone of ['refused', 'hidden'] as const) {
    const registry = await startRegistryStandIn({ byTagAlone });
    const store = storeOn(t, registry, 'o/x');
    await store.putManifest(bytes, mediaTypes.manifest);
    await moveTags(store, ['cu130', 'latest'], manifest, quietHost());
    assert.deepEqual(registry.requests.slice(-4), [
      `GET /v2/o/x/manifests/${digest}`,
      'PUT /v2/o/x/manifests/cu130',
      'GET /v2/o/x/manifests/cu130',
      'PUT /v2/o/x/manifests/latest',
    ]);
  }
});

test('what gets no tag is a failure where manifests are kept by tags alone', async t => {
  const store = storeOn(t, await startRegistryStandIn({ byTagAlone: 'refused' }), 'o/x');
  const put = store.putManifest(bytes, mediaTypes.manifest, { untagged: true });
  await assert.rejects(put, /Could not store the manifest sha256:.* 400/);
});

test('one that was accepted and is nowhere is a failure; no more tags move', async t => {
  const { registry, store } = await repository(t);
  registry.behaviour.missing = 404;
  const hidden = { ...store, getManifest: async () => undefined };
  await assert.rejects(
    moveTags(hidden, ['cu130', 'x'], manifest, quietHost()),
    (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /o\/x accepted the manifest sha256:\w+ but does not have it\.$/);
      assert.match(error.details.tried ?? '', /by the tag cu130, and was asked for by both/);
      return true;
    },
  );
  assert.equal(registry.manifests.has('x'), false);
});

test('no tag moves to a manifest that comes back as another one', async t => {
  const { registry, store } = await repository(t);
  registry.manifests.set(digest, { ...manifest, bytes: Buffer.from('{}') });
  await assert.rejects(
    moveTags(store, ['cu130'], manifest, quietHost()),
    /arrived with the digest/,
  );
  assert.equal(registry.manifests.has('cu130'), false);
});

test('which tags moved is told where one of them does not', async t => {
  const { registry, store } = await repository(t);
  const refuse = (tag: string) => {
    registry.behaviour.answer = ({ url }) =>
      url?.endsWith(`/${tag}`) ? { status: 403 } : undefined;
  };
  const state = async (tags: string[]) => {
    const error = await moveTags(store, tags, manifest, quietHost()).catch(
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Failure);
    assert.match(error.details.tried ?? '', /scope "repository:o\/x:pull,push"/);
    return error.message;
  };
  refuse('one');
  assert.match(
    await state(['one', 'two']),
    /^The tag one could not .*\(no tag has moved\): .* 403/,
  );
  refuse('three');
  const last = await state(['one', 'two', 'three', 'four']);
  assert.match(last, /^The tag three could not be moved to .*\(already moved: one, two\): .* 403/);
  assert.deepEqual([...registry.manifests.keys()], [digest, 'one', 'two']);
});

test('an interrupt leaves the tags that have not moved where they are', async t => {
  const { registry, store } = await repository(t);
  const interrupt = new AbortController();
  const reason = new Error('interrupted');
  const interrupting: ImageStore = {
    ...store,
    putTag: async (tag, stored) => {
      await store.putTag(tag, stored);
      interrupt.abort(reason);
    },
  };
  const host = quietHost({ signal: interrupt.signal });
  await assert.rejects(moveTags(interrupting, ['one', 'two'], manifest, host), reason);
  assert.deepEqual([...registry.manifests.keys()], [digest, 'one']);
});

test('tags that move at once are checked by their answers, and one that fails tells which have moved', async t => {
  const { registry, store } = await repository(t);
  await moveTagsAtOnce(store, ['cu130', 'latest'], manifest, quietHost());
  assert.deepEqual(registry.requests.toSorted(), [
    'PUT /v2/o/x/manifests/cu130',
    'PUT /v2/o/x/manifests/latest',
  ]);
  registry.behaviour.lie = `sha256:${'1'.repeat(64)}`;
  const lied = moveTagsAtOnce(store, ['v1'], manifest, quietHost());
  await assert.rejects(lied, /The tag v1 could not be moved .*no tag has moved.* says sha256:1/);
  const signal = AbortSignal.abort(new Failure('It was interrupted.'));
  const interrupted = moveTagsAtOnce(store, ['v2'], manifest, quietHost({ signal }));
  await assert.rejects(interrupted, /interrupted/);
  assert.equal(registry.manifests.has('v2'), false);
});
