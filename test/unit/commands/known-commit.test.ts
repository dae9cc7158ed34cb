// A commit that was built before: what is asked of its repository, what is put, and what is not believed.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { flakeToTag } from '../../../src/commands/build/known-commit/asked.ts';
import { tagKnownCommit } from '../../../src/commands/build/known-commit/known-commit.ts';
import { startState } from '../../../src/commands/build/state.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { BuildSettings } from '../../../src/inputs/settings.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { quietHost } from '../../tools/host.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';
import {
  architecture,
  memoryTag,
  pushCommit,
  revision,
  source,
} from '../../tools/remembered-commit.ts';

const flake = { folder: '.', attribute: 'comfyui' };
const settingsOf = (changes: Partial<BuildSettings> = {}) =>
  ({
    ...{ flake: '.#comfyui', image: 'r/o/x', push: true, reuse: true, layers: [], tags: [] },
    ...{ compression: 'zstd', maxLayerSize: 1000, labels: {}, repositoryLabels: {}, nix: {} },
    ...{ auditFailOn: 'never', allTargets: false },
    ...{ nix: { installNix: 'auto' }, overrideInputs: [], acceptFlakeConfig: false },
    annotations: { [revision]: 'c1' },
    ...changes,
  }) as unknown as BuildSettings;

/** Puts an image of a commit and remembers it. */
const push = (store: ImageStore, layers = 3, entrypoint = 'comfyui', commit = 'c1') =>
  pushCommit(store, {
    ...{ settings: settingsOf(), source: { ...source, commit }, layers, entrypoint },
  });

interface Run {
  settings?: Partial<BuildSettings>;
  source?: Partial<typeof source>;
}

/** A repository with the image of a commit, and runs that look for it. */
async function scene(context: TestContext, layers = 3) {
  const registry = await startRegistryStandIn();
  const store = storeOn(context, registry, 'o/x');
  const pushed = await push(store, layers);
  const tag = async ({ settings, source: other }: Run = {}) => {
    registry.requests.length = 0;
    const host = quietHost();
    const state = startState(host);
    const repository = { store, hosts: {}, logIn: () => undefined } as never;
    const here = { ...source, ...other };
    const done = await tagKnownCommit(flake, here, settingsOf(settings), state, repository);
    return { done, state, host, requests: [...registry.requests] };
  };
  return { registry, store, ...pushed, tag };
}

test('the tags name the image, and the run is told as any', async t => {
  const { registry, tag, digest, manifest } = await scene(t);
  const { done, state, host } = await tag({ settings: { tags: ['v1', 'v2'] } });
  assert.equal(done, true);
  assert.equal(registry.manifests.get('v2')?.bytes.toString(), JSON.stringify(manifest));
  assert.equal(state.manifest?.digest, digest);
  assert.deepEqual([...state.made.keys()], ['layer0', 'layer1', 'layer2']);
  assert.ok([...state.made.values()].every(({ origin }) => origin === 'reused'));
  const told = host.events.flatMap(event => (event.type === 'notice' ? [event.message] : []));
  assert.match(told.join(), /^Commit c1 was built before: v1, v2 of .* Nix was not needed\.$/);
});

test('it has the annotations of this run, and those alone', async t => {
  const { registry, tag, manifest } = await scene(t);
  const annotations = { release: '1' };
  assert.equal((await tag({ settings: { tags: ['v1'], annotations } })).done, true);
  const { annotations: _, ...rest } = manifest;
  assert.equal(
    registry.manifests.get('v1')?.bytes.toString(),
    JSON.stringify({ ...rest, annotations }),
  );
});

test('no more is asked than of each blob and tag, and eight times', async t => {
  const { tag } = await scene(t, 100);
  const { requests } = await tag({ settings: { tags: ['v1', 'v2'] } });
  assert.ok(requests.length <= 8 + 100 + 2, String(requests.length));
  assert.equal(requests.filter(each => each.startsWith('HEAD')).length, 100);
  assert.deepEqual(
    requests.slice(-2).map(each => each.split(' ')[0]),
    ['PUT', 'PUT'],
  );
  const again = await tag();
  assert.deepEqual(
    again.requests.filter(each => !/^(GET|HEAD) /.test(each)),
    [],
    'nothing is put',
  );
});

/** The memory's document, changed. */
async function rewrite(store: ImageStore, change: (document: Document) => unknown): Promise<void> {
  const stored = await store.getManifest(memoryTag);
  const found = JSON.parse(stored?.bytes.toString() ?? '');
  const [first, ...others] = found.layers;
  const bytes = (await store.getBlob(first)) ?? assert.fail();
  const document = JSON.parse(zstdDecompressSync(bytes).toString());
  change(document);
  const written = await store.putBytes(zstdCompressSync(JSON.stringify(document)), first.mediaType);
  const manifest = Buffer.from(JSON.stringify({ ...found, layers: [written, ...others] }));
  const { digest, mediaType } = await store.putManifest(manifest, mediaTypes.manifest);
  await store.putTag(memoryTag, { bytes: manifest, digest, mediaType });
}

interface Document {
  format: number;
  images: Record<string, unknown>[];
  blobs: Record<string, unknown>[];
}

type Scene = Awaited<ReturnType<typeof scene>>;

test('a memory that lies, and a registry that has lost something, are worth a normal run', async t => {
  const lie = (change: (row: Record<string, unknown>, document: Document) => unknown) => {
    return ({ store }: Scene) =>
      rewrite(store, document => change(document.images[0] ?? {}, document));
  };
  const other = `sha256:${'1'.repeat(64)}`;
  const lost = (kind: 'manifests' | 'blobs', digestOf: (scene: Scene) => string) => {
    return async (scene: Scene) => void scene.registry[kind].delete(digestOf(scene));
  };
  const cases: Record<string, (scene: Scene) => Promise<unknown>> = {
    "another image's manifest, of other layers": async ({ store }) => {
      await nameAnother(store, await pushAnother(store, 2));
    },
    "another image's manifest, of the same layers": async ({ store }) => {
      await nameAnother(store, await pushAnother(store, 3));
    },
    "another image's manifest and config, of another commit": async ({ store }) => {
      const another = await pushAnother(store, 3, 'c0');
      const { digest, size } = another.manifest.config;
      await nameAnother(store, another, { config: { digest, size } });
    },
    'an image of another processor': async ({ store }) => {
      const other = { entrypoint: 'comfyui', runsOn: 's390x', source };
      const { digest, manifest } = await pushCommit(store, { settings: settingsOf(), ...other });
      const { config } = manifest;
      await nameAnother(
        store,
        { digest },
        { config: { digest: config.digest, size: config.size } },
      );
    },
    'the memory itself': async ({ store }) => {
      const digest = (await store.getManifest(memoryTag))?.digest;
      await rewrite(store, ({ images }) => Object.assign(images[0] ?? {}, { digest }));
    },
    'another config': lie(row => Object.assign(row, { config: { digest: other, size: 9 } })),
    'a config of another size': lie(row => {
      Object.assign(row, { config: { ...(row.config as object), size: 9 } });
    }),
    'fewer blobs': lie(row => Object.assign(row, { blobs: (row.blobs as []).slice(1) })),
    'blobs that are in no row': lie(row => Object.assign(row, { blobs: [0, 1, 2, 7] })),
    'other sizes': lie((_, { blobs }) => Object.assign(blobs[0] ?? {}, { size: 7 })),
    'other diffIDs': lie((_, { blobs }) => Object.assign(blobs[0] ?? {}, { diffId: other })),
    'a blob that is none': lie((_, { blobs }) => Object.assign(blobs[0] ?? {}, { key: 7 })),
    'another system': lie(row => Object.assign(row, { system: 'sparc-linux' })),
    'another tree': lie(row => Object.assign(row, { tree: 't2' })),
    'no tree': lie(row => delete row.tree),
    'no config': lie(row => delete row.config),
    'a tag that is none': lie(row => Object.assign(row, { variant: '../v2' })),
    'another format': lie((_, document) => Object.assign(document, { format: 3 })),
    'two images that differ': async ({ store }) => {
      await pushAnother(store, 3);
      await rewrite(store, ({ images }) => Object.assign(images[0] ?? {}, { commit: 'c1' }));
    },
    'a manifest that is gone': lost('manifests', ({ digest }) => digest),
    'a config that is gone': lost('blobs', ({ manifest }) => manifest.config.digest),
    'a layer that is gone': lost('blobs', ({ manifest }) => manifest.layers[1].digest),
    'no memory': lost('manifests', () => memoryTag),
    'a registry that answers nothing': async ({ registry }) => {
      registry.behaviour.answer = () => ({ status: 403 });
    },
  };
  for (const [what, change] of Object.entries(cases)) {
    await t.test(what, async t => {
      const made = await scene(t);
      await change(made);
      const { done, state, requests, host } = await made.tag();
      assert.equal(done, false);
      assert.deepEqual(
        [state.made.size, state.manifest, state.destination],
        [0, undefined, undefined],
      );
      assert.deepEqual(
        requests.filter(each => each.startsWith('PUT')),
        [],
        'no tag moved',
      );
      assert.deepEqual(host.warnings, []);
    });
  }
});

/** Makes the row of the first image, the only one then, name another one. */
const nameAnother = (store: ImageStore, { digest }: { digest: string }, more: object = {}) =>
  rewrite(store, document => {
    const [, first] = document.images;
    document.images = [{ ...first, digest, ...more }];
  });

/** Another image in the same repository. */
const pushAnother = (store: ImageStore, layers: number, commit = 'c1') =>
  push(store, layers, 'another', commit);

test('another commit with the same files is tagged where a run has found that none was needed', async t => {
  const { store, tag } = await scene(t);
  const source = { commit: 'c2' };
  assert.equal((await tag({ source })).done, false);
  await rewrite(store, ({ images }) => Object.assign(images[0] ?? {}, { withoutCommit: true }));
  assert.equal((await tag({ source: { ...source, isPlain: false } })).done, false);
  const { done, host } = await tag({ source, settings: { tags: ['v1'] } });
  assert.equal(done, true);
  const told = host.events.flatMap(event => (event.type === 'notice' ? [event.message] : []));
  assert.match(told.join(), /^The files of commit c2 were built before, as those of c1: /);
});

test('the memory is at the tag that is given, the newest where tags do not move', async t => {
  const { registry, tag } = await scene(t);
  const settings = { cacheTag: memoryTag };
  const { done, requests } = await tag({ settings });
  assert.deepEqual([done, requests.some(each => each.includes('tags/list'))], [true, false]);
  const memory = registry.manifests.get(memoryTag) ?? assert.fail();
  registry.manifests.delete(memoryTag);
  registry.manifests.set(`${memoryTag}.1`, { bytes: Buffer.from('{}'), mediaType: 'a/b' });
  registry.manifests.set(`${memoryTag}.2`, memory);
  assert.equal((await tag({ settings })).done, true);
  assert.equal((await tag()).done, true);
  assert.equal((await tag({ settings: { cacheTag: 'cache-other' } })).done, false);
});

test('of many memories eight are looked at, those first that are called like the repository', async t => {
  const { registry, tag } = await scene(t);
  const memory = registry.manifests.get(memoryTag) ?? assert.fail();
  registry.manifests.delete(memoryTag);
  for (let at = 10; at < 30; at += 1) {
    registry.manifests.set(`cache-y-${at}-${architecture}`, {
      bytes: Buffer.from('{}'),
      mediaType: 'a/b',
    });
  }
  registry.manifests.set(`cache-x-1-${architecture}`, memory);
  const { done, requests } = await tag();
  assert.equal(done, true);
  assert.equal(requests.filter(each => each.includes('/manifests/cache-')).length, 8);
  registry.manifests.delete(`cache-x-1-${architecture}`);
  registry.manifests.set('cache-x-1-s390x', memory);
  assert.equal((await tag()).done, false, 'that of another architecture');
});

test('a tag that cannot be moved is told, with those that have moved', async t => {
  const { registry, tag } = await scene(t);
  registry.behaviour.answer = ({ method, url }) =>
    method === 'PUT' && url?.endsWith('/v2') ? { status: 403 } : undefined;
  const moving = tag({ settings: { tags: ['v1', 'v2'] } });
  await assert.rejects(moving, /The tag v2 could not be moved .*already moved: v1/);
});

test('what asks for more than tags is no matter of a commit', () => {
  assert.deepEqual(flakeToTag(settingsOf()), flake);
  const { flake: _, ...byDefault } = settingsOf();
  assert.deepEqual(flakeToTag(byDefault as BuildSettings), flake);
  const more: Partial<BuildSettings>[] = [
    ...[
      { push: false },
      { reuse: false },
      { layers: ['a'] },
      { allTargets: true },
      { acceptFlakeConfig: true },
    ],
    ...[{ auditFailOn: 'error' as const }, { overrideInputs: [{ input: 'a', flake: 'b' }] }],
    ...[{ image: 'oci:x' }, { image: 'docker-archive:x' }, { image: '-' }],
    ...[{ flake: 'path:.#x' }, { flake: 'github:o/r#x' }, { flake: '.?submodules=1#x' }],
  ];
  for (const each of more) {
    assert.equal(flakeToTag(settingsOf(each)), undefined, JSON.stringify(each));
  }
});
