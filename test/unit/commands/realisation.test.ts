import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Realisation, whileRealising } from '../../../src/commands/build/realisation.ts';
import { startState } from '../../../src/commands/build/state.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import type { Evaluation } from '../../../src/nix/types.ts';
import { layerNamed, recipeOf } from '../../tools/planned-layers.ts';
import { type StoreQuestion, standInStore } from '../../tools/stand-in-store.ts';

const [deps, app, late] = ['deps', 'app', 'late'].map(layerNamed) as [Layer, Layer, Layer];
type Layer = ReturnType<typeof layerNamed>;
const drvOf = ({ drvPath }: Layer) => `${drvPath}!out`;

const check = '--check-validity --print-invalid';
const plan = '--realise --dry-run';
const realise = '--realise --keep-going --log-format --add-root --indirect';

/** Realises deps and app in a store that has deps; gives what Nix was asked. */
async function questions(
  t: TestContext,
  isAsked: boolean,
  work: (realisation: Realisation) => Promise<void>,
): Promise<StoreQuestion[]> {
  const folder = await mkdtemp(join(tmpdir(), 'realisation-'));
  t.after(() => rm(folder, { recursive: true }));
  const { nix, asked } = standInStore(new Map([[deps.outPath, []]]));
  const places = { currentDirectory: folder, temporaryDirectory: folder };
  const settings = parseBuild({}, { face: 'command-line', ...places });
  const evaluation = { recipe: recipeOf([deps, app, late]) } as unknown as Evaluation;
  const context = { nix: { ...nix, place: folder }, evaluation, settings };
  const state = startState(nix.host);
  const here = isAsked && { here: new Map([[deps.outPath, []]]) };
  await whileRealising([deps, app], { ...context, state, ...here }, nix.host, work);
  return asked.map(({ words, paths }) => ({
    words,
    paths: paths.filter(path => !path.startsWith(folder)),
  }));
}

test('what is known to be in the store is neither asked for nor provided for', async t => {
  const asked = await questions(t, true, async realisation => {
    await realisation.have(deps);
    assert.deepEqual([realisation.has(deps), realisation.has(app)], [true, false]);
    await realisation.have(app);
    assert.ok(realisation.has(app));
    assert.equal(realisation.originOf(deps), 'local');
  });
  assert.deepEqual(asked, [
    { words: plan, paths: [drvOf(app)] },
    { words: realise, paths: [deps, app].map(drvOf) },
  ]);
});

test('the store is asked for what nobody has asked for before, all at once', async t => {
  const asked = await questions(t, false, async realisation => {
    await realisation.have(app);
    assert.deepEqual([realisation.wants(app), realisation.wants(late)], [true, false]);
    await realisation.have(late);
  });
  assert.deepEqual(asked, [
    { words: check, paths: [deps.outPath, app.outPath] },
    { words: plan, paths: [drvOf(app)] },
    { words: realise, paths: [deps, app].map(drvOf) },
    { words: check, paths: [late.outPath] },
    { words: plan, paths: [drvOf(late)] },
    { words: realise, paths: [drvOf(late)] },
  ]);
});
