import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recallRoot } from '../../../src/commands/build/added-layers/remembered-root.ts';
import { entriesBlobSource } from '../../../src/image/blob-sources.ts';
import { framePool } from '../../../src/image/frames.ts';
import { rootKey } from '../../../src/image/keys.ts';
import { rootContent } from '../../../src/image/root-layer.ts';
import type { RootTree } from '../../../src/image/root-tree.ts';
import { readTar, type TarMember } from '../../../src/image/tar-reader.ts';
import type { ImageDirectory, ImageFolder } from '../../../src/image/types.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { Recipe } from '../../../src/nix/types.ts';
import type { Evidence } from '../../../src/registry/evidence.ts';
import type { KnownBlob, RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';

const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;
const digest = `sha256:${'a'.repeat(64)}`;
const temporary: ImageDirectory = { path: '/tmp', mode: '1777', uid: 0, gid: 0 };

const python: RootTree = { bin: { python: 0 }, lib: { python3: [{ 'os.py': 0 }], empty: {} } };
const tools: RootTree = { bin: { sh: 0 }, lib: { python3: [{ 'site.py': 0 }] } };
const trees = { python, tools };

/** A root layer as it lies in a registry, made of these trees. */
async function layerOf(
  of: Record<string, RootTree>,
  directories: ImageDirectory[],
  folders: ImageFolder[] = [],
) {
  const trees = new Map(Object.entries(of).map(([name, tree]) => [storePath(name), tree]));
  const merged = folders.flatMap(({ from }) => from.map(({ outPath }) => outPath));
  const roots = [...trees.keys()].filter(path => !merged.includes(path));
  const parts = { roots, folders };
  const { entries } = rootContent({ ...parts, directories }, trees);
  const source = entriesBlobSource(() => entries, { compression: 'none', pool: framePool(1) });
  const stream = source.open();
  const bytes: Buffer[] = [];
  for await (const chunk of stream) bytes.push(Buffer.from(chunk));
  const result = stream.result();
  const key = rootKey({ ...parts, directories });
  const blob: KnownBlob = {
    ...{ ...result, kind: 'root', key, mediaType: mediaTypes.layer.zstd, paths: [] },
    ...parts,
  };
  const members: TarMember[] = [];
  const tar = (async function* () {
    yield* bytes;
  })();
  for await (const { content: _, ...member } of readTar(tar, 'layer')) members.push(member);
  return { blob, members };
}

/** What is recalled of the roots, where an image was made of `of` and `told` is remembered of it. */
async function recalled(
  told: Record<string, RootTree>,
  options: {
    of?: Record<string, RootTree>;
    image?: Partial<RememberedImage>;
    /** It was remembered by a run that made no image. */
    unfinished?: boolean;
    directories?: ImageDirectory[];
    /** Of the image, and of the recipe. */
    folders?: ImageFolder[];
    newFolders?: ImageFolder[];
    wanted?: string[];
    key?: string;
  } = {},
) {
  const { of = trees, wanted = ['python', 'app'], directories = [temporary] } = options;
  const { folders = [], newFolders = folders } = options;
  const { blob, members } = await layerOf(of, [temporary], folders);
  const evidence: Evidence = {
    image: async () => undefined,
    isStated: async () => true,
    isContent: async () => false,
    lastLayer: async manifest => (manifest === digest ? members : undefined),
  };
  const roots = Object.entries(told).map(([name, tree]) => ({ outPath: storePath(name), tree }));
  const known = { ...blob, key: options.key ?? blob.key };
  const image = {
    ...(options.unfinished ? {} : { digest }),
    outputs: [],
    blobs: [known],
    roots,
    ...options.image,
  };
  const knowledge = arrangeKnowledge(
    [{ memory: { images: [image] }, evidence }],
    mediaTypes.layer.zstd,
  );
  const merged = newFolders.flatMap(({ from }) => from.map(({ outPath }) => outPath));
  const root = wanted
    .map(name => ({ outPath: storePath(name), drvPath: '', outputName: 'out' }))
    .filter(({ outPath }) => !merged.includes(outPath));
  const recipe = { root, folders: newFolders, directories } as unknown as Recipe;
  const found = await recallRoot({ recipe, knowledge, presence: async () => 'present' });
  return {
    blob: found.blob?.digest === blob.digest,
    known: wanted.filter(name => found.treeOf(storePath(name)) !== undefined),
    treeOf: (name: string) => found.treeOf(storePath(name)),
  };
}

const whole = { wanted: ['python', 'tools'] };

test('the layer is reused where the remembered trees make just it', async () => {
  assert.deepEqual(await recalled(trees, whole).then(({ blob, known }) => ({ blob, known })), {
    blob: true,
    known: ['python', 'tools'],
  });
});

test('a layer under the key of other roots is not', async () => {
  const of = { python: { bin: { evil: 0 } } as RootTree, tools };
  const found = await recalled(trees, { ...whole, of });
  assert.equal(found.blob, false);
  assert.deepEqual(found.known, [], 'and its links are not those that are remembered');
});

test('trees are taken where the layer of their image has their links', async () => {
  const found = await recalled(trees);
  assert.equal(found.blob, false);
  assert.deepEqual(found.known, ['python']);
  assert.deepEqual(found.treeOf('python'), python, 'what two roots met in is a folder there');
});

test('what is behind a link that stayed one is not believed', async () => {
  const alone = { python };
  assert.deepEqual((await recalled(alone, { of: alone })).treeOf('python'), {
    bin: { python: 0 },
    lib: { python3: 1, empty: {} },
  });
});

const liesOf = {
  'a file more': { ...python, bin: { python: 0, evil: 0 } },
  'a file less': { ...python, bin: {} },
  'a folder more': { ...python, etc: {} },
  'names that objects have': JSON.parse('{"__proto__":{"evil":0},"constructor":0}'),
  'a tree of another root': tools,
} as Record<string, RootTree>;
for (const [what, lie] of Object.entries(liesOf)) {
  test(`${what}: the trees are left out`, async () => {
    for (const key of [undefined, 'zz']) {
      const found = await recalled(
        { python: lie, tools },
        { ...(key === undefined ? {} : { key }) },
      );
      assert.deepEqual(found.known, []);
    }
  });
}

test('other folders of the recipe change nothing of what trees are worth', async () => {
  const data: ImageDirectory = { path: '/data/models', mode: '755', uid: 1000, gid: 1000 };
  assert.deepEqual((await recalled(trees, { directories: [data] })).known, ['python']);
});

test('trees of a run that left no image are taken as they are, those of a lost image are not', async () => {
  assert.deepEqual((await recalled(trees, { unfinished: true })).known, ['python']);
  const lost = { digest: `sha256:${'b'.repeat(64)}` };
  assert.deepEqual((await recalled(trees, { image: lost })).known, []);
});

const wheels: Record<string, RootTree> = {
  base: { bin: { sh: 0 } },
  torch: { torch: { 'a.py': 0, include: { 'a.h': 0 } } },
  bytecode: { torch: { __pycache__: { 'a.pyc': 0 } } },
};
const folderOf = (at: string, ...names: string[]): ImageFolder => ({
  at,
  from: names.map(name => ({ outPath: storePath(name), below: '' })),
});
const site = [folderOf('/opt/py', 'torch', 'bytecode')];
const allOfThem = { of: wheels, folders: site, wanted: ['base', 'torch', 'bytecode'] };

test('a layer with folders is reused where the remembered trees make just it', async () => {
  assert.equal((await recalled(wheels, allOfThem)).blob, true);
  const lie = { ...wheels, torch: { torch: { 'b.py': 0 } } } satisfies Record<string, RootTree>;
  assert.equal((await recalled(lie, allOfThem)).blob, false);
});

test('the tree of a source is taken where the layer shows its links, behind them as it is said', async () => {
  const newFolders = [folderOf('/opt/py', 'torch', 'bytecode2')];
  const wanted = ['base', 'torch', 'bytecode2'];
  const found = await recalled(wheels, { ...allOfThem, newFolders, wanted });
  assert.deepEqual([found.blob, found.known], [false, ['base', 'torch']]);
  assert.deepEqual(found.treeOf('torch'), wheels.torch);
  const lies: Record<string, RootTree> = {
    'a file more': { torch: { 'a.py': 0, 'b.py': 0, include: { 'a.h': 0 } } },
    'a file for a folder': { torch: 0 },
    nothing: {},
  };
  for (const [what, torch] of Object.entries(lies)) {
    const told = { ...wheels, torch };
    assert.deepEqual((await recalled(told, { ...allOfThem, newFolders, wanted })).known, [], what);
  }
  const { torch: _, ...without } = wheels;
  assert.deepEqual((await recalled(without, { ...allOfThem, newFolders, wanted })).known, []);
});
