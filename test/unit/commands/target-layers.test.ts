import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideTargetLayers } from '../../../src/commands/build/layers.ts';
import { startLessons } from '../../../src/commands/build/lessons.ts';
import { planFirst } from '../../../src/commands/build/plan.ts';
import type { Realisation } from '../../../src/commands/build/realisation.ts';
import { startClosures } from '../../../src/nix/closures.ts';
import { namedTargets, targetsOf } from '../../../src/nix/recipe-layers.ts';
import type { RecipeLayer } from '../../../src/nix/types.ts';
import type { Evidence } from '../../../src/registry/evidence.ts';
import { rowsOfStore } from '../../../src/registry/memory/rows.ts';
import type { RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { layerNamed, layerWork, recipeOf } from '../../tools/planned-layers.ts';
import { standInStore, storePath } from '../../tools/stand-in-store.ts';

const MiB = 2 ** 20;

/** A layer of targets, given as "name": so many MiB; all of them refer to what `common` names. */
const layerOf = (name: string, targets: Record<string, number>): RecipeLayer => ({
  name,
  image: true,
  targets: Object.keys(targets).map(each => layerNamed(each)),
});

/** Layers and what their targets are as large as. */
interface Plan {
  layers: readonly RecipeLayer[];
  sizes: Readonly<Record<string, number>>;
  /** What a target refers to. */
  references?: Readonly<Record<string, readonly string[]>>;
}

function planOf(
  layers: Record<string, Record<string, number>>,
  more: readonly string[] = [],
): Plan {
  const several = Object.entries(layers).map(([name, targets]) => layerOf(name, targets));
  const sizes = Object.assign({}, ...Object.values(layers)) as Record<string, number>;
  return { layers: [...several, ...more.map(layerNamed)], sizes };
}

/** Makes the layers, on a machine that has everything or, with a memory, nothing but what it asks for. */
async function make({ layers, sizes, references = {} }: Plan, memory?: RememberedImage) {
  const name = (path: string) => path.slice(storePath('').length);
  const all = new Map<string, readonly string[]>();
  for (const each of namedTargets(layers)) {
    const others = references[name(each.outPath)] ?? [];
    all.set(each.outPath, others.map(storePath));
    for (const other of others) all.set(storePath(other), []);
  }
  const { nix } = standInStore(all, '2.34.8', path => (sizes[name(path)] ?? 1) * MiB);
  const closures = startClosures();
  const had: string[] = [];
  const realisation: Realisation = {
    have: async (...outputs) => {
      for (const { outPath } of outputs) if (!had.includes(name(outPath))) had.push(name(outPath));
    },
    has: ({ outPath }) => had.includes(name(outPath)),
    wants: output => (output ? had.includes(name(output.outPath)) : had.length > 0),
    originOf: () => 'built',
    ended: async () => undefined,
  };
  const rowOf = rowsOfStore(closures.referencesOf, closures.sizeOf);
  const places = memory ? [{ memory: { images: [memory] }, evidence: {} as Evidence }] : [];
  const knowledge = arrangeKnowledge(places, '');
  const lessons = startLessons({
    rowOf: path => rowOf(path) ?? knowledge.rowOf(path),
    origin: () => ({}),
  });
  const presence = async () => 'present' as const;
  const { work, sent } = layerWork(
    { nix, realisation, closures, lessons, knowledge, presence },
    layers,
  );
  const { made } = await decideTargetLayers(work, new Set());
  const blobs = (await made).map(layer =>
    layer.blobs.map(({ paths }) => paths.map(name).sort().join(' ')),
  );
  return {
    blobs,
    origins: (await made).map(({ origin }) => origin),
    counts: (await made).map(({ targets }) => `${targets?.reused} of ${targets?.all}`),
    had,
    sent: sent.map(({ paths }) => paths.map(name).join(' ')),
    memory: lessons.soFar(),
  };
}

const wheels = planOf({
  cuda: { nvtx: 1, cublas: 400, licence: 1, cudnn: 16 },
  pytorch: { jinja: 1, torch: 900 },
});

test('targets are grouped in their order, and what is remembered is reused one by one', async () => {
  const cold = await make(wheels);
  assert.deepEqual(cold.blobs, [
    ['cublas', 'cudnn', 'licence nvtx'],
    ['torch', 'jinja'],
  ]);
  const again = await make(wheels, cold.memory);
  assert.deepEqual([again.blobs, again.had, again.sent], [cold.blobs, [], []]);
  assert.deepEqual(again.origins, ['reused', 'reused']);
  const digests = (memory?: RememberedImage) => memory?.blobs.map(({ digest }) => digest);
  assert.deepEqual(digests(again.memory), digests(cold.memory), 'and remembered as it was');
});

const changes: Record<string, { plan: Plan; had: string[]; sent: string[] }> = {
  'a large target': {
    plan: planOf({
      cuda: { nvtx: 1, cublas: 400, licence: 1, cudnn2: 17 },
      pytorch: { jinja: 1, torch: 900 },
    }),
    had: ['cudnn2'],
    sent: ['cudnn2'],
  },
  'a small one, with those that it shares a blob with': {
    plan: planOf({
      cuda: { nvtx2: 1, cublas: 400, licence: 1, cudnn: 16 },
      pytorch: { jinja: 1, torch: 900 },
    }),
    had: ['nvtx2', 'licence'],
    sent: ['nvtx2 licence'],
  },
  'a small one that becomes a large one': {
    plan: planOf({
      cuda: { nvtx: 1, cublas: 400, licence2: 20, cudnn: 16 },
      pytorch: { jinja: 1, torch: 900 },
    }),
    had: ['licence2', 'nvtx'],
    sent: ['licence2', 'nvtx'],
  },
  'one that is gone': {
    plan: planOf({ cuda: { nvtx: 1, licence: 1, cudnn: 16 }, pytorch: { jinja: 1, torch: 900 } }),
    had: [],
    sent: [],
  },
  'one that moves into another layer': {
    plan: planOf({
      cuda: { nvtx: 1, licence: 1, cudnn: 16 },
      pytorch: { torch: 900, cublas: 400 },
    }),
    had: [],
    sent: [],
  },
};

for (const [what, { plan, had, sent }] of Object.entries(changes)) {
  test(`${what}: the same as on a machine without a memory, and no more is had`, async () => {
    const { memory } = await make(wheels);
    const warm = await make(plan, memory);
    assert.deepEqual(warm.blobs, (await make(plan)).blobs);
    assert.deepEqual({ had: warm.had, sent: warm.sent.sort() }, { had, sent: sent.sort() });
    const all = plan.layers.map(layer => targetsOf(layer).length);
    const isHad = (path: string) => had.includes(path.slice(storePath('').length));
    const made = plan.layers.map(
      layer => targetsOf(layer).filter(({ outPath }) => isHad(outPath)).length,
    );
    assert.deepEqual(
      warm.counts,
      all.map((count, at) => `${count - (made[at] ?? 0)} of ${count}`),
    );
  });
}

test('what is below a target is no part of it: its own content decides', async () => {
  const base = layerNamed('base');
  const layers = [base, layerOf('wheels', { sam: 1, other: 1 })];
  const sizes = { glibc: 100, cuda: 15, sam: 1, other: 1 };
  const references = { base: ['glibc'], sam: ['glibc', 'cuda'] };
  const plan = { layers, sizes, references };
  const cold = await make(plan);
  assert.deepEqual(cold.blobs, [['base glibc'], ['cuda sam', 'other']]);
  const warm = await make(plan, cold.memory);
  assert.deepEqual([warm.blobs, warm.had], [cold.blobs, []]);
  const { blobs } = await make({ ...plan, sizes: { ...sizes, cuda: 14 } });
  assert.deepEqual(blobs, [['base glibc'], ['cuda other sam']]);
});

/** So many targets, of 16 MiB, 17 and so on. */
const many = (name: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, 16 + at]));

test('where 125 layers are not enough, the size from which a target is alone doubles', async () => {
  const fits = await make(planOf({ one: many('a', 60), two: many('b', 61) }, ['base', 'app']));
  assert.deepEqual(
    fits.blobs.map(({ length }) => length),
    [60, 61, 1, 1],
  );
  const plan = planOf({ one: many('a', 60), two: many('b', 62) }, ['base', 'app']);
  const cold = await make(plan);
  assert.deepEqual(
    cold.blobs.map(({ length }) => length),
    [45, 47, 1, 1],
    'from 32 MiB on',
  );
  const warm = await make(plan, cold.memory);
  assert.deepEqual([warm.blobs, warm.had], [cold.blobs, []]);
  const changed = planOf({ one: { ...many('a', 60), a0: 0, z: 500 }, two: many('b', 62) }, [
    'base',
    'app2',
  ]);
  const moved = await make(changed, cold.memory);
  assert.deepEqual(moved.blobs, (await make(changed)).blobs);
});

test('an old memory that knows no sizes is asked for nothing that it cannot tell', async () => {
  const { memory } = await make(wheels);
  const outputs = memory?.outputs.map(output => {
    const { table, at } = output.row;
    return {
      ...output,
      row: { table: { ...table, count: table.count, sizeAt: () => undefined }, at },
    };
  });
  const warm = await make(wheels, { ...memory, blobs: [], roots: [], outputs: outputs ?? [] });
  assert.equal(warm.had.length, 6);
});

/** What is realised in the first batch, and which layers are reused as a whole; `gone`: blobs with these. */
async function planned({ layers }: Plan, memory: RememberedImage | undefined, gone?: string) {
  const image = memory ?? assert.fail();
  const places = [{ memory: { images: [image] }, evidence: {} as Evidence }];
  const isGone = (paths: readonly string[]) =>
    gone !== undefined && paths.includes(storePath(gone));
  const plan = await planFirst({
    recipe: recipeOf(layers),
    knowledge: arrangeKnowledge(places, ''),
    presence: async ({ paths }) => (isGone(paths) ? undefined : 'present'),
    closures: { sizeOf: () => undefined },
    maxLayerSize: 2 ** 30,
    unshipped: [],
  });
  const needed = plan.needed.map(({ outPath }) => outPath.slice(storePath('').length));
  return { needed, reused: [...plan.reused] };
}

test('before anything is built it is known what is needed whatever else turns out', async () => {
  const { memory } = await make(wheels);
  assert.deepEqual(await planned(wheels, memory), { needed: [], reused: ['cuda', 'pytorch'] });
  assert.deepEqual(await planned(wheels, memory, 'cudnn'), {
    needed: ['cudnn'],
    reused: ['pytorch'],
  });
  const together = { needed: ['nvtx', 'licence'], reused: ['pytorch'] };
  assert.deepEqual(
    await planned(wheels, memory, 'licence'),
    together,
    'who shares a blob with it, too',
  );
  for (const [what, { plan, had }] of Object.entries(changes)) {
    const unknown = had.filter(name => name.endsWith('2'));
    assert.deepEqual((await planned(plan, memory)).needed, unknown, what);
  }
  const plan = planOf({ one: many('a', 60), two: many('b', 62) }, ['base']);
  const large = (await make(plan)).memory;
  assert.deepEqual(await planned(plan, large), { needed: [], reused: ['one', 'two', 'base'] });
  const changed = planOf({ one: many('a', 60), two: { ...many('b', 62), z: 1 } }, ['base']);
  assert.deepEqual((await planned(changed, large)).needed, ['z'], 'sizes of all are not known');
});

test('a blob that cannot be sent while other targets are being built is told by the layer', async () => {
  const { nix } = standInStore(
    new Map(namedTargets(wheels.layers).map(({ outPath }) => [outPath, []])),
    '2.34.8',
    () => 16 * MiB,
  );
  const refused = new Error('refused');
  const told = Promise.withResolvers<void>();
  const realisation: Realisation = {
    // the first is sent, and fails, while the second is on its way
    have: async ({ outPath } = layerNamed('')) => {
      if (outPath.endsWith('-cublas')) await told.promise;
    },
    has: () => true,
    wants: () => true,
    originOf: () => 'built',
    ended: async () => undefined,
  };
  const { work } = layerWork({ nix, realisation }, wheels.layers);
  work.transfers.send = async ({ paths }) => {
    if (!paths.includes(storePath('nvtx'))) throw new Error('another');
    setImmediate(told.resolve);
    throw refused;
  };
  const decided = decideTargetLayers(work, new Set());
  await assert.rejects(async () => (await decided).made, refused);
});

test('where the order of blobs counts they are sent in that of the image', async () => {
  const references = new Map(namedTargets(wheels.layers).map(({ outPath }) => [outPath, []]));
  const name = (path: string) => path.slice(storePath('').length);
  const { nix } = standInStore(references, '2.34.8', path => (wheels.sizes[name(path)] ?? 0) * MiB);
  const realisation: Realisation = {
    have: async () => undefined,
    has: () => true,
    wants: () => true,
    originOf: () => 'built',
    ended: async () => undefined,
  };
  const { work, sent } = layerWork({ nix, realisation }, wheels.layers);
  work.transfers.keepsOrder = true;
  const { made } = await decideTargetLayers(work, new Set());
  const order = (await made).flatMap(({ blobs }) => blobs.map(({ key }) => key));
  assert.equal(order.length, 5);
  assert.deepEqual(
    sent.map(({ key }) => key),
    order,
  );
});
