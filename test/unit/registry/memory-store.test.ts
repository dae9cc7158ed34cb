// The memory as it lies in a registry: under its tag, behind an index, with blobs that are gone.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { blobKey } from '../../../src/image/keys.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { memoryManifest, packedDocument } from '../../../src/registry/memory/artifact.ts';
import { memoryPlace } from '../../../src/registry/memory/place.ts';
import { readMemory } from '../../../src/registry/memory/read.ts';
import { serializeMemory } from '../../../src/registry/memory/serialize.ts';
import type { KnownBlob, Memory, RememberedImage } from '../../../src/registry/remembered.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { type RegistryStandIn, startRegistryStandIn } from '../../tools/registry-stand-in.ts';
import { comparable, rememberedOutput } from '../../tools/remembered.ts';

const place = { storeDir: '/nix/store', architecture: 'amd64' };
/** As the memory calls itself; written here too, since registries keep it by that. */
const memoryMediaTypes = {
  artifact: 'application/vnd.comfy-nix.memory.v2',
  config: 'application/vnd.comfy-nix.memory.v2+json',
  document: 'application/vnd.comfy-nix.memory.v2.document+json+zstd',
};
const nothing: Memory = { images: [] };
const record = { text: 'the record', run: 'https://ci.example/1' };
const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;

interface Repository {
  registry: RegistryStandIn;
  store: ImageStore;
  /** What is remembered at a reference, for a machine. */
  at(reference: string, architecture?: string): ReturnType<typeof readMemory>;
  /** What a run learns that puts these layers, each of one store path. */
  learn(image: string, ...layers: string[]): Promise<RememberedImage>;
}

async function repository(context: TestContext): Promise<Repository> {
  const registry = await startRegistryStandIn();
  const store = storeOn(context, registry, 'o/comfyui');
  return {
    registry,
    store,
    at: (reference, architecture = 'amd64') =>
      readMemory(store, reference, { ...place, architecture }),
    learn: async (image, ...layers) => {
      const blobs = await Promise.all(layers.map(name => blobOf(store, name)));
      const outputs = blobs.map(blob => {
        const [outPath = ''] = blob.paths;
        return rememberedOutput(outPath, [], [blob]);
      });
      return { digest: sha256(Buffer.from(image)), outputs, blobs, roots: [] };
    },
  };
}

async function blobOf(store: ImageStore, name: string): Promise<KnownBlob> {
  const paths = [storePath(name)];
  const result = await store.putBlob(layerOf(noise(1000, name.charCodeAt(0))));
  const { none: mediaType } = mediaTypes.layer;
  return { kind: 'store', ...result, key: blobKey(paths), mediaType, paths };
}

/** Writes as a run does that has read the memory; it does not wait. */
async function write(store: ImageStore, tag: string, image: RememberedImage, isNews = false) {
  const host = quietHost();
  const memory = memoryPlace(store, tag, { ...place, host, sleep: async () => undefined });
  await memory.read();
  await memory.write({ image, isNews, record });
  return host;
}

const writes = ({ requests }: RegistryStandIn) =>
  requests.filter(line => !/^(GET|HEAD)/.test(line)).length;

const digestsIn = ({ images }: Memory) => images.map(({ digest }) => digest);

test('what was learnt is read again, and the registry is told what it needs', async t => {
  const { registry, store, at, learn } = await repository(t);
  assert.deepEqual(await at('cache'), { memory: nothing, writable: true });
  const learnt = await learn('one', 'glibc', 'python');
  await write(store, 'cache', learnt);
  const { memory, writable } = await at('cache');
  assert.deepEqual([comparable(memory.images), writable], [comparable([learnt]), true]);
  const manifest = JSON.parse(registry.manifests.get('cache')?.bytes.toString() ?? '');
  assert.equal(manifest.artifactType, memoryMediaTypes.artifact);
  assert.equal(manifest.config.mediaType, memoryMediaTypes.config);
  const [document, kept, ...layers] = manifest.layers;
  assert.equal(document.mediaType, memoryMediaTypes.document);
  const bytes = registry.blobs.get(document.digest) ?? assert.fail();
  assert.deepEqual(zstdDecompressSync(bytes), serializeMemory(memory));
  assert.equal(memory.records?.[0]?.run, record.run);
  assert.equal(memory.records?.[0]?.digest, kept.digest);
  const stored = registry.blobs.get(kept.digest) ?? assert.fail();
  assert.equal(zstdDecompressSync(stored).toString(), record.text);
  assert.deepEqual(
    layers,
    learnt.blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  );
});

test('nothing is asked or sent where nothing is new, and a record where something was done', async t => {
  const { registry, store, at, learn } = await repository(t);
  const learnt = await learn('one', 'glibc');
  await write(store, 'cache', learnt);
  const memory = memoryPlace(store, 'cache', { ...place, host: quietHost() });
  await memory.read();
  const before = registry.requests.length;
  await memory.write({ image: learnt, isNews: false, record: { text: 'another' } });
  assert.equal(registry.requests.length, before);
  await write(store, 'cache', learnt, true);
  assert.equal((await at('cache')).memory.records?.length, 1, 'the same record');
});

test('what another run wrote meanwhile is kept', async t => {
  const { store, at, learn } = await repository(t);
  const mine = await learn('mine', 'glibc');
  const others = await learn('others', 'python');
  await write(store, 'cache', others);
  await write(store, 'cache', mine);
  assert.deepEqual(comparable((await at('cache')).memory.images), comparable([mine, others]));
});

test('blobs that the registry has lost are left out, and what they carried is forgotten', async t => {
  const { registry, store, at, learn } = await repository(t);
  const first = await learn('first', 'glibc', 'python');
  await write(store, 'cache', first);
  const [glibc] = first.blobs;
  registry.blobs.delete(glibc?.digest ?? '');
  const second = await learn('second', 'app');
  await write(store, 'cache', second);
  const outputs = first.outputs.map((output, lost) =>
    lost === 0 ? { ...output, blobs: [] } : output,
  );
  const left = { ...first, blobs: first.blobs.slice(1), outputs };
  assert.deepEqual(comparable((await at('cache')).memory.images), comparable([second, left]));
});

test('a registry that takes no memory rejects, and its tag stays where it was', async t => {
  const { registry, store, at, learn } = await repository(t);
  const first = await learn('first', 'glibc');
  await write(store, 'cache', first);
  const second = await learn('second', 'python');
  registry.behaviour.answer = ({ method, url }) =>
    method === 'PUT' && url?.includes('/manifests/') ? { status: 403 } : undefined;
  await assert.rejects(write(store, 'cache', second), /403/);
  assert.deepEqual(digestsIn((await at('cache')).memory), [first.digest]);
});

test('behind an index each machine has its own, through one within another as well', async t => {
  const { store, at, learn } = await repository(t);
  const platforms = ['amd64', 'arm64'];
  const manifests: object[] = [];
  for (const architecture of platforms) {
    const learnt = await learn(architecture, architecture);
    await write(store, `cache-${architecture}`, learnt);
    const stored = await store.getManifest(`cache-${architecture}`);
    const { bytes, digest, mediaType } = stored ?? assert.fail('it is not there');
    const platform = { architecture, os: 'linux' };
    manifests.push({ mediaType, digest, size: bytes.length, platform });
  }
  const index = async (name: string, content: object[]) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: content }));
    const { digest, size } = await store.putManifest(bytes, mediaTypes.index);
    await store.putTag(name, { bytes, mediaType: mediaTypes.index, digest });
    return { mediaType: mediaTypes.index, digest, size };
  };
  const inner = await index('cache', manifests);
  const platform = { architecture: 'arm64', os: 'linux' };
  await index('nested', [{ ...inner, platform }]);
  for (const architecture of platforms) {
    const { memory } = await at('cache', architecture);
    assert.deepEqual(digestsIn(memory), [sha256(Buffer.from(architecture))]);
  }
  assert.deepEqual(digestsIn((await at('nested', 'arm64')).memory), [sha256(Buffer.from('arm64'))]);
  const none = { memory: nothing, writable: true };
  assert.deepEqual(await at('nested', 'amd64'), none);
  assert.deepEqual(await at('cache', 'riscv64'), none);
});

/** Puts a document in the place of a memory; gives its descriptor. */
async function putDocument({ store }: Repository, text: string, type?: string) {
  const { bytes, descriptor } = await packedDocument(Buffer.from(text));
  await store.putBytes(bytes, descriptor.mediaType);
  const config = await store.putBytes(Buffer.from('{}'), type ?? memoryMediaTypes.config);
  const parts = { document: descriptor, memory: nothing, architecture: 'amd64' };
  const manifest = memoryManifest('artifact', config, parts);
  const { digest } = await store.putManifest(manifest, mediaTypes.manifest);
  await store.putTag('cache', { bytes: manifest, mediaType: mediaTypes.manifest, digest });
  return descriptor;
}

test('what is no memory of ours is told, and never written over', async t => {
  const repo = await repository(t);
  const learnt = await repo.learn('one', 'glibc');
  const next = 'application/vnd.comfy-nix.memory.v7+json';
  const cases: [text: string, type: string, words: RegExp][] = [
    ['{}', 'application/x', /cache is no memory \(its config is application\/x\)/],
    ['{}', next, /has format 7, which needs a newer comfy-nix/],
    ['{"format":7}', memoryMediaTypes.config, /has format 7, which needs a newer comfy-nix/],
  ];
  for (const [text, type, words] of cases) {
    await putDocument(repo, text, type);
    const { memory, writable, warning } = await repo.at('cache');
    assert.deepEqual({ memory, writable }, { memory: nothing, writable: false });
    assert.match(warning ?? '', words);
    assert.match(warning ?? '', /it is ignored, and this run makes every layer it needs\.$/);
    const before = registryTag(repo);
    await write(repo.store, 'cache', learnt);
    assert.equal(registryTag(repo), before);
  }
});

const registryTag = ({ registry }: Repository) => registry.manifests.get('cache')?.bytes;

test('one of the format before is told once, and replaced', async t => {
  const repo = await repository(t);
  const learnt = await repo.learn('one', 'glibc');
  await putDocument(repo, '{"format":1}', 'application/vnd.comfy-nix.memory.v1+json');
  assert.match((await repo.at('cache')).warning ?? '', /has the older format 1 and is replaced/);
  await write(repo.store, 'cache', learnt);
  const { memory, warning } = await repo.at('cache');
  assert.deepEqual([comparable(memory.images), warning], [comparable([learnt]), undefined]);
});

test('a damaged memory is told, ignored and replaced', async t => {
  const repo = await repository(t);
  const { registry, store, at, learn } = repo;
  const learnt = await learn('one', 'glibc');
  const text = serializeMemory({ images: [learnt] }).toString();
  const damages: Record<string, (digest: string) => unknown> = {
    'is gone': digest => registry.blobs.delete(digest),
    'was altered': digest => registry.blobs.set(digest, Buffer.from(text)),
    'is no manifest': () =>
      registry.manifests.set('cache', { bytes: Buffer.from('[]'), mediaType: '' }),
    'is no document': () => putDocument(repo, 'hello'),
  };
  for (const [what, damage] of Object.entries(damages)) {
    const { digest } = await putDocument(repo, text);
    assert.equal((await at('cache')).warning, undefined);
    await damage(digest);
    const { memory, writable, warning } = await at('cache');
    assert.deepEqual({ memory, writable }, { memory: nothing, writable: true }, what);
    assert.match(warning ?? '', /\/o\/comfyui:cache is damaged \(.*it is ignored/, what);
    registry.blobs.delete(digest);
    await write(store, 'cache', learnt);
    assert.deepEqual(comparable((await at('cache')).memory.images), comparable([learnt]), what);
  }
});

test('a document larger than any memory is not fetched', async t => {
  const repo = await repository(t);
  const { digest } = await putDocument(repo, '{}');
  const manifest = JSON.parse(repo.registry.manifests.get('cache')?.bytes.toString() ?? '');
  manifest.layers[0].size = 2 ** 40;
  const bytes = Buffer.from(JSON.stringify(manifest));
  repo.registry.manifests.set('cache', { bytes, mediaType: mediaTypes.manifest });
  const { warning } = await repo.at('cache');
  assert.match(warning ?? '', /is damaged \(its document is gone, altered or too large\)/);
  assert.ok(!repo.registry.requests.includes(`GET /v2/o/comfyui/blobs/${digest}`));
});

test('one that contradicts itself is told, and believed where it does not', async t => {
  const repo = await repository(t);
  const learnt = await repo.learn('one', 'glibc', 'python');
  const wrong = learnt.blobs.map((blob, at) => (at === 0 ? { ...blob, mediaType: 'other' } : blob));
  const text = serializeMemory({ images: [{ ...learnt, blobs: wrong, outputs: [] }] }).toString();
  await putDocument(repo, text);
  const { memory, writable, warning } = await repo.at('cache');
  assert.deepEqual(memory.images[0]?.blobs, learnt.blobs.slice(1));
  assert.ok(writable);
  assert.match(warning ?? '', /contradicts itself in 1 places; this run makes anew/);
});

test('a store that fails is no damage: the memory is not lost by it', async t => {
  const { registry, store, at, learn } = await repository(t);
  await write(store, 'cache', await learn('first', 'glibc'));
  const second = await learn('second', 'python');
  for (const part of ['/manifests/cache', '/blobs/sha256:']) {
    registry.behaviour.answer = ({ method, url }) =>
      method === 'GET' && url?.includes(part) ? { status: 403 } : undefined;
    await assert.rejects(at('cache'), /403/);
    const before = writes(registry);
    await assert.rejects(write(store, 'cache', second), /403/);
    assert.equal(writes(registry), before);
  }
});

test('a tag that is refused is not there where this login may write, and else it fails', async t => {
  const { registry, store } = await repository(t);
  const { architecture, storeDir } = place;
  for (const status of [400, 401, 403]) {
    registry.behaviour.answer = ({ url }) =>
      url?.includes('/manifests/') ? { status } : undefined;
    const reading = (mayWrite: boolean) =>
      readMemory(store, 'cache', { architecture, storeDir, mayWrite: async () => mayWrite });
    assert.deepEqual(await reading(true), { memory: nothing, writable: true });
    await assert.rejects(reading(false), new RegExp(String(status)));
  }
});

test('the newest record is read beside the document, another one when it is chosen', async t => {
  const { registry, store, learn } = await repository(t);
  const runs = [
    { text: 'the first', branch: 'main', attribute: 'comfyui', image: sha256(Buffer.from('one')) },
    { text: 'the second', branch: 'feature' },
  ];
  for (const told of runs) {
    const writing = memoryPlace(store, 'cache', {
      ...{ ...place, host: quietHost(), sleep: async () => undefined },
    });
    await writing.read();
    const image = await learn(told.text, told.text.slice(4));
    await writing.write({ image, isNews: true, record: told });
  }
  const memory = memoryPlace(store, 'cache', { ...place, host: quietHost(), withRecord: true });
  const { memory: read } = await memory.read();
  const { text: _, ...first } = runs[0] ?? assert.fail();
  const { branch, attribute, image } = read.records?.[1] ?? assert.fail();
  assert.deepEqual({ branch, attribute, image }, first);
  await memory.record(([newest]) => newest);
  const before = registry.requests.length;
  assert.equal(await memory.record(([newest]) => newest), 'the second');
  assert.equal(registry.requests.length, before, 'it is there');
  assert.equal(await memory.record(([, older]) => older), 'the first');
  assert.equal(registry.requests.length, before + 1);
  assert.equal(await memory.record(() => undefined), undefined);
});

test('what is kept of derivations is that of the newest three images, and the registry is told of it', async t => {
  const { registry, store, learn } = await repository(t);
  const place4 = () =>
    memoryPlace(store, 'cache', { ...place, host: quietHost(), sleep: async () => undefined });
  for (const name of ['one', 'two', 'three', 'four']) {
    const writing = place4();
    await writing.read();
    const digest = sha256(Buffer.from(name));
    const image = { ...(await learn(name, name)), digest };
    const derivations = { text: `derivations of ${name}`, attribute: 'comfyui', image: digest };
    await writing.write({ image, isNews: true, record: { text: name }, derivations });
  }
  const reading = place4();
  const { derivations = [] } = (await reading.read()).memory;
  assert.equal(derivations.length, 3);
  const texts = await Promise.all([0, 1, 2].map(at => reading.derivations(rows => rows[at])));
  assert.deepEqual(
    texts,
    ['four', 'three', 'two'].map(name => `derivations of ${name}`),
  );
  const { layers } = JSON.parse(registry.manifests.get('cache')?.bytes.toString() ?? '');
  const listed = layers.map(({ digest }: { digest: string }) => digest);
  assert.ok(derivations.every(({ digest }) => listed.includes(digest)));
  registry.blobs.delete(derivations[0]?.digest ?? '');
  assert.equal(await place4().derivations(rows => rows[0]), undefined, 'nothing was read');
  const again = place4();
  await again.read();
  assert.equal(await again.derivations(rows => rows[0]), undefined, 'it is gone');
});

test('a record that is gone, or no record, is none; the memory is read all the same', async t => {
  const { registry, store, at, learn } = await repository(t);
  await write(store, 'cache', await learn('one', 'glibc'));
  const kept = (await at('cache')).memory.records?.[0] ?? assert.fail();
  for (const bytes of [undefined, Buffer.from('no zstd')]) {
    if (bytes) registry.blobs.set(kept.digest, bytes);
    else registry.blobs.delete(kept.digest);
    const memory = memoryPlace(store, 'cache', { ...place, host: quietHost(), withRecord: true });
    assert.equal((await memory.read()).memory.images.length, 1);
    assert.equal(await memory.record(([newest]) => newest), undefined);
  }
});
