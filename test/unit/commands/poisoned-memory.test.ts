// Memories that were tampered with, in a registry: what is said that is not so is made anew, and only that.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { planFirst } from '../../../src/commands/build/plan.ts';
import { entriesBlobSource } from '../../../src/image/blob-sources.ts';
import { imageConfig, manifest } from '../../../src/image/config.ts';
import { framePool } from '../../../src/image/frames.ts';
import { blobKey, rootKey } from '../../../src/image/keys.ts';
import type { RootTree } from '../../../src/image/root-tree.ts';
import { type Descriptor, mediaTypes } from '../../../src/image/types.ts';
import { evidenceIn } from '../../../src/registry/evidence.ts';
import { memoryPlace } from '../../../src/registry/memory/place.ts';
import { rowsOfStore } from '../../../src/registry/memory/rows.ts';
import type { KnownBlob, RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge, presenceIn } from '../../../src/registry/reuse.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { layerNamed, recipeOf } from '../../tools/planned-layers.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';
import { rootEntries } from '../../tools/root-entries.ts';
import { storePath } from '../../tools/stand-in-store.ts';

const names = ['base', 'python', 'torch', 'app'] as const;
const layers = names.map(layerNamed);
const root = layers.slice(-1);
const tree: RootTree = { bin: { app: 0 } };
const recipe = { ...recipeOf(layers), root };
const where = { storeDir: '/nix/store', architecture: 'amd64' };
const cacheTag = 'cache';
const packing = { compression: 'zstd', pool: framePool(1) } as const;
const { zstd: mediaType } = mediaTypes.layer;

type Row = Record<string, unknown>;
type Document = Record<'paths' | 'blobs' | 'outputs' | 'roots' | 'images', Row[]> & {
  format?: unknown;
};

/** A layer of one store path, an empty folder. */
async function putLayer(store: ImageStore, name: string): Promise<KnownBlob> {
  const path = storePath(name);
  const folder = { path, mode: '0555', uid: 0, gid: 0 };
  const entries = rootEntries([], [folder]);
  const result = await store.putBlob(entriesBlobSource(() => entries, packing));
  return { ...result, kind: 'store', key: blobKey([path]), mediaType, paths: [path] };
}

async function putLinks(store: ImageStore): Promise<KnownBlob> {
  const roots = root.map(({ outPath }) => outPath);
  const entries = rootEntries(
    roots.map(outPath => ({ outPath, tree })),
    [],
  );
  const result = await store.putBlob(entriesBlobSource(() => entries, packing));
  const key = rootKey({ roots, directories: [] });
  return { ...result, kind: 'root', key, mediaType, paths: [], roots, directories: [] };
}

async function putImage(store: ImageStore, blobs: readonly KnownBlob[]): Promise<string> {
  const named = blobs.map(({ diffId }, at) => ({ name: `layer${at}`, diffId }));
  const bytes = imageConfig({
    ...{ config: {}, labels: {}, created: recipe.created, architecture: 'amd64', layers: named },
  });
  const config = await store.putBytes(bytes, mediaTypes.config);
  const image = manifest({ config, layers: [...blobs], annotations: {} });
  return (await store.putManifest(image, mediaTypes.manifest)).digest;
}

/** A repository with an image, each layer upon those below it, and its memory. */
async function repository(context: TestContext) {
  const store = storeOn(context, await startRegistryStandIn(), 'o/comfyui');
  const blobs = await Promise.all(names.map(name => putLayer(store, name)));
  const all = [...blobs, await putLinks(store)];
  const paths = layers.map(({ outPath }) => outPath);
  const rowOf = rowsOfStore(path => paths.slice(0, paths.indexOf(path)).slice(-1));
  const outputs = paths.map((path, at) => {
    const row = rowOf(path) ?? assert.fail();
    return { outPath: path, row, blobs: blobs.slice(at, at + 1) };
  });
  const roots = root.map(({ outPath }) => ({ outPath, tree }));
  const image: RememberedImage = { digest: await putImage(store, all), outputs, blobs: all, roots };
  const place = () =>
    memoryPlace(store, cacheTag, { ...where, host: quietHost(), sleep: async () => undefined });
  await place().write({ image, isNews: false });
  const stored = await store.getManifest(cacheTag);
  const written = JSON.parse(stored?.bytes.toString() ?? '') as { layers: Descriptor[] };
  const [first, ...others] = written.layers;
  const document = await store.getBlob(first ?? assert.fail());
  const text = zstdDecompressSync(document ?? assert.fail()).toString();
  const remember = async (lie: (document: Document) => unknown) => {
    const changed = JSON.parse(text) as Document;
    const said = lie(changed);
    const bytes = Buffer.from(typeof said === 'string' ? said : JSON.stringify(changed));
    const put = await store.putBytes(zstdCompressSync(bytes), first?.mediaType ?? '');
    const layers = [put, ...others];
    const again = Buffer.from(JSON.stringify({ ...written, layers }));
    const { digest } = await store.putManifest(again, mediaTypes.manifest);
    await store.putTag(cacheTag, { bytes: again, mediaType: mediaTypes.manifest, digest });
  };
  return { store, place, text, remember };
}

/** What a fresh machine reuses, and what it is told. */
async function plan({ store, place }: Awaited<ReturnType<typeof repository>>) {
  const { memory, warning } = await place().read();
  const told = warning === undefined ? [] : [warning];
  const knowledge = arrangeKnowledge([{ memory, evidence: evidenceIn(store) }], mediaType);
  const presence = presenceIn(store, knowledge, message => told.push(message));
  const found = await planFirst({
    ...{ recipe, knowledge, presence, unshipped: [], maxLayerSize: 2 ** 30 },
    closures: { sizeOf: () => undefined },
  });
  const reused = [...found.reused, ...(found.root.blob ? ['root'] : [])];
  return { made: [...names, 'root'].filter(name => !reused.includes(name)), told };
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`;
const change =
  (table: 'paths' | 'blobs' | 'outputs' | 'roots' | 'images', fields: Row, at = 0) =>
  (document: Document) => {
    Object.assign(document[table][at] ?? assert.fail(), fields);
  };
const changeAll =
  (table: 'blobs' | 'outputs' | 'roots' | 'images', fields: Row) => (document: Document) => {
    for (const row of document[table]) Object.assign(row, fields);
  };
const withFormat = (format: unknown) => (document: Document) => {
  document.format = format;
};
const withoutLinks = (fields: Row) => (document: Document) => {
  change('blobs', { kind: 'streamed', key: 'zz' }, 4)(document);
  changeAll('roots', fields)(document);
};
const odd = JSON.parse('{"__proto__":{"x":0},"constructor":0,"etc":{"__proto__":0}}');
const upTo = (count: number) => [...names, 'root'].slice(0, count);
const everything = upTo(5);
const otherDiffId = { diffId: `sha256:${'1'.repeat(64)}` };

type Lie = (document: Document) => unknown;
/** What is told is one sentence where nothing else is said. */
const lies: Record<string, [lie: Lie, made: readonly string[], told?: number]> = {
  // of those that were met before, in format 1
  'other sizes': [
    ({ blobs }) => {
      for (const blob of blobs) blob.size = Number(blob.size) + 7;
    },
    everything,
  ],
  'other diffIDs': [changeAll('blobs', otherDiffId), everything],
  'one other diffID': [change('blobs', otherDiffId), ['base']],
  'a deep tree': [changeAll('roots', { tree: JSON.parse(nested(99)) }), everything],
  'a tree with odd names': [changeAll('roots', { tree: odd }), ['root'], 0],
  'a tree that leads up': [changeAll('roots', { tree: { '..': { x: 0 } } }), ['root']],
  'a tree with slashes': [changeAll('roots', { tree: { 'a/../../b': 0 } }), ['root']],
  'no tree': [changeAll('roots', { tree: null }), ['root']],
  'a path out of the store': [change('paths', { path: '../../etc/shadow' }), upTo(4)],
  'a place before the first': [change('blobs', { paths: [-1] }), ['base']],
  'outputs that are not there': [change('images', { outputs: [99_999] }), upTo(4)],
  'half a place': [change('images', { outputs: [0.5] }), everything],
  'a negative size': [change('blobs', { size: -1 }), ['base']],
  'a size without end': [change('blobs', { size: 1e300 }), ['base']],
  'sizes beyond all files': [changeAll('blobs', { size: 2 ** 60 }), everything],
  'a digest that is a path': [change('blobs', { digest: 'sha256:../..' }), ['base']],
  'a format in words': [withFormat('2'), everything],
  'the format of a newer program': [withFormat(3), everything],
  'half a format': [withFormat(1.5), everything],
  'media types that a terminal obeys': [
    changeAll('blobs', { mediaType: '\u001b[31m' }),
    everything,
  ],
  'outputs that refer to nothing': [
    ({ paths, outputs }) => {
      for (const { path } of outputs) delete paths[Number(path)]?.references;
    },
    upTo(4),
  ],
  'images without end': [
    document => {
      document.images = Array.from({ length: 300_000 }, () => ({}));
    },
    everything,
  ],
  'deep JSON': [() => '['.repeat(1_000_000), everything],
  'no JSON': [() => '\u00ff\u00fe', everything],
  null: [() => 'null', everything],
  'a huge document': [() => `{"format":2,"paths":[${' '.repeat(65 << 20)}]}`, everything],
  'a deep tree, whose layer is forgotten': [
    withoutLinks({ tree: JSON.parse(nested(90)) }),
    ['root'],
    0,
  ],
  'odd trees, whose layer is forgotten': [withoutLinks({ tree: odd }), ['root'], 0],
  // that nobody had named
  'the key of another layer': [
    ({ blobs }) => {
      Object.assign(blobs[0] ?? {}, { key: blobs[1]?.key });
    },
    ['base'],
  ],
  'a layer that is said to hold another one, too': [
    change('blobs', { paths: [0, 1] }, 1),
    ['python'],
  ],
  'a reference to what comes later': [change('paths', { references: [3] }, 2), ['torch', 'app']],
  'one layer for all outputs': [changeAll('outputs', { blobs: [3] }), upTo(4)],
  'places that overflow': [change('blobs', { paths: [2 ** 32 + 1] }, 1), ['python']],
};

test('a memory that is right is used whole', async t => {
  const repo = await repository(t);
  await repo.remember(() => undefined);
  assert.deepEqual(await plan(repo), { made: [], told: [] });
});

describe('of a memory that was tampered with the rest is used, and there is one warning', () => {
  for (const [what, [lie, made, told = 1]] of Object.entries(lies)) {
    test(what, async t => {
      const repo = await repository(t);
      await repo.remember(lie);
      const found = await plan(repo);
      assert.deepEqual(found.made, made);
      assert.equal(found.told.length, told, found.told.join('\n'));
    });
  }

  test('another blob in place of each layer', async t => {
    const repo = await repository(t);
    const evil = await repo.store.putBytes(noise(10_240, 1), mediaType);
    const { digest, size } = evil;
    await repo.remember(
      changeAll('blobs', { digest, size, diffId: digest, uncompressedSize: size }),
    );
    const found = await plan(repo);
    assert.deepEqual([found.made, found.told.length], [everything, 1]);
  });

  test('the same of a run that has left no image: its bytes are read', async t => {
    const repo = await repository(t);
    const unfinished = changeAll('images', { digest: undefined });
    await repo.remember(unfinished);
    assert.deepEqual(await plan(repo), { made: [], told: [] });
    await repo.remember(document => {
      unfinished(document);
      change('blobs', otherDiffId)(document);
    });
    const { made, told } = await plan(repo);
    assert.deepEqual([made, told.length], [['base'], 1]);
  });
});
