import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decideTargetLayers } from '../../../src/commands/build/layers.ts';
import { type Realisation, whileRealising } from '../../../src/commands/build/realisation.ts';
import { startState } from '../../../src/commands/build/state.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import type { Evaluation, LayerTarget } from '../../../src/nix/types.ts';
import { layerNamed, layersInStore, layerWork, recipeOf } from '../../tools/planned-layers.ts';
import { standInStore, storePath } from '../../tools/stand-in-store.ts';

async function settingsOf(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'layers-'));
  t.after(() => rm(folder, { recursive: true }));
  const places = { currentDirectory: folder, temporaryDirectory: folder };
  return parseBuild({}, { face: 'command-line', ...places });
}

/** Makes the layers of a store that has them all; gives what was sent, and the processes that it took. */
async function makeLayers(
  t: TestContext,
  { layers, references }: ReturnType<typeof layersInStore>,
  version: string,
) {
  const { nix, asked } = standInStore(references, version);
  const state = startState(nix.host);
  const outPaths = layers.map(({ outPath }) => outPath);
  const here = await state.closures.here(nix, outPaths);
  const evaluation = { recipe: recipeOf(layers) } as unknown as Evaluation;
  const context = { nix, evaluation, settings: await settingsOf(t), state, here };
  const { made, sent } = await whileRealising(layers, context, nix.host, async realisation => {
    const { work, sent } = layerWork({ nix, realisation, closures: state.closures }, layers);
    return { made: await (await decideTargetLayers(work, new Set())).made, sent };
  });
  return { made, sent, asked: asked.map(({ words }) => words) };
}

for (const version of ['2.8.0', '2.34.8']) {
  test(`40 layers of 1,500 paths take four processes of Nix ${version}`, async t => {
    const store = layersInStore(40, { size: 1500, common: 1400 });
    const { made, sent, asked } = await makeLayers(t, store, version);
    assert.deepEqual(asked, [
      '--check-validity --print-invalid',
      '--query --requisites',
      '--dump-db',
      '--realise --keep-going --log-format --add-root --indirect',
    ]);
    assert.deepEqual(new Set(made.map(({ origin }) => origin)), new Set(['local']));
    const paths = sent.flatMap(blob => blob.paths);
    assert.equal(paths.length, 40 * 100 + 1400, 'no path is in two layers');
    assert.deepEqual(new Set(paths), new Set(store.references.keys()));
  });
}

/** A realisation whose outputs are there once `arrive` says so. */
function slowRealisation(): Realisation & { arrive(...layers: LayerTarget[]): void } {
  const there = new Map<string, PromiseWithResolvers<void>>();
  const arrived = new Set<string>();
  const of = (outPath: string) => {
    const known = there.get(outPath) ?? Promise.withResolvers<void>();
    there.set(outPath, known);
    return known;
  };
  return {
    arrive: (...layers) => {
      for (const { outPath } of layers) arrived.add(outPath);
      for (const { outPath } of layers) of(outPath).resolve();
    },
    have: ({ outPath }) => of(outPath).promise,
    has: ({ outPath }) => arrived.has(outPath),
    wants: () => true,
    originOf: () => 'built',
    ended: async () => undefined,
  };
}

test('a layer is sent before others are there, and those that come together are asked together', async () => {
  const [base, python, deps, app] = ['base', 'python', 'deps', 'app'].map(layerNamed) as [
    LayerTarget,
    LayerTarget,
    LayerTarget,
    LayerTarget,
  ];
  const comfyui = storePath('comfyui');
  const references = new Map<string, readonly string[]>([[base.outPath, []]]);
  const { nix, asked } = standInStore(references);
  const realisation = slowRealisation();
  const { work, sent } = layerWork({ nix, realisation }, [base, python, deps, app]);
  const first = Promise.withResolvers<void>();
  const { send } = work.transfers;
  work.transfers.send = blob => {
    first.resolve();
    return send(blob);
  };
  const made = decideTargetLayers(work, new Set()).then(decided => decided.made);

  realisation.arrive(base);
  await first.promise;
  assert.deepEqual(
    sent.map(blob => blob.layer),
    ['base'],
  );

  references.set(python.outPath, [base.outPath]);
  references.set(deps.outPath, [python.outPath]);
  references.set(app.outPath, [comfyui, base.outPath]);
  references.set(comfyui, []);
  realisation.arrive(python, deps, app);
  await made;
  assert.deepEqual(
    sent.map(blob => blob.paths),
    [[base.outPath], [python.outPath], [deps.outPath], [app.outPath, comfyui]],
  );
  const together = [python.outPath, deps.outPath, app.outPath];
  assert.deepEqual(asked, [
    { words: '--query --requisites', paths: [base.outPath] },
    { words: '--dump-db', paths: [base.outPath] },
    { words: '--query --requisites', paths: together },
    { words: '--dump-db', paths: [...together, comfyui] },
  ]);
});
