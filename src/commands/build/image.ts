import { availableParallelism } from 'node:os';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import { warn } from '../../host/say.ts';
import { stoppable } from '../../host/stoppable.ts';
import { framePool } from '../../image/frames.ts';
import { mediaTypes } from '../../image/types.ts';
import type { DerivationOutput, LayerTarget, Recipe } from '../../nix/types.ts';
import { withSeen } from '../../registry/evidence.ts';
import { type Presence, presenceIn } from '../../registry/reuse.ts';
import { putImage } from '../push.ts';
import { startTransfers } from '../transfers.ts';
import { agreeingWithStore } from './agreement.ts';
import { type ImageContext, madeAt, pushBuilt, type RecipeContext, variantOf } from './context.ts';
import { findCurrent } from './current.ts';
import { makeAllLayers } from './extra-layers.ts';
import { type LayerWork, outputsOf } from './layers.ts';
import type { Lessons } from './lessons.ts';
import { type Plan, planFirst } from './plan.ts';
import { type ImageParts, recipeImage } from './publish.ts';
import { type Realisation, whileRealising } from './realisation.ts';
import type { RememberedRoot } from './remembered-root.ts';
import type { MadeLayer } from './state.ts';

/** Makes all layers, publishes the image and remembers, also what was done before a failure. */
export async function composeImage(given: RecipeContext): Promise<void> {
  const context = agreeing(given);
  const { state, recipe } = context;
  const unshipped = unshippedTargets(context);
  const parts = await partsOf(context);
  const current = unshipped.length > 0 ? undefined : await findCurrent(context, parts);
  const presence = current?.presence ?? presenceOf(context);
  const plan = await planFirst({ ...context, presence, unshipped });
  tellPlan(plan, recipe.layers, state.host);
  const { store } = context.destination;
  await pushBuilt(context, async lessons => {
    const { host, stop } = stoppable(state.host);
    const layers = await whileRealising(plan.needed, context, host, realisation =>
      inPhase(host, 'push', () =>
        makeLayers(context, { presence, realisation, lessons, root: plan.root, host, stop }),
      ),
    );
    await compareWithRemembered(layers, context);
    const image = recipeImage(layers, parts);
    const put = current ? undefined : () => putImage(store, image);
    return { manifest: image.manifest, put, current: current?.tags };
  });
}

/** Realises what the registry lacks, of the selected layers if some are; pushes nothing. */
export async function realiseTargets(given: ImageContext): Promise<void> {
  const { recipe, target } = given.evaluation;
  const context = agreeing(given);
  const { settings, state } = context;
  const layers = recipe?.layers ?? [{ ...target, image: true }];
  const presence = presenceOf(context);
  const plan = recipe
    ? await planFirst({ ...context, recipe, presence, unshipped: unshippedTargets(context) })
    : await planMadeImage(context);
  tellPlan(plan, layers, state.host);
  const selected = layers.filter(layer => settings.layers.includes(layer.name));
  const isWanted = ({ outPath }: DerivationOutput) =>
    selected.length === 0 || selected.some(layer => layer.outPath === outPath);
  const { host } = state;
  await whileRealising(plan.needed.filter(isWanted), context, host, async realisation => {
    for (const layer of layers) {
      if (realisation.wants(layer)) await realisation.have(layer);
      const known = plan.reused.has(layer.name) && !realisation.wants(layer);
      const origin = known ? 'reused' : realisation.originOf(layer);
      const { name } = layer;
      host.emit({ type: 'layer-realised', layer: name, origin, at: host.clock() });
      host.emit({ type: 'layer-end', layer: name, at: host.clock() });
      state.made.set(name, { name, target: layer, origin, blobs: [] });
    }
  });
}

/** What the store has of an image: of all that its recipe names, and of what is wanted besides. */
export async function askStore({
  evaluation,
  settings,
  nix,
  state,
}: Pick<ImageContext, 'evaluation' | 'settings' | 'nix' | 'state'>): Promise<ImageContext['here']> {
  if (evaluation.recipe === undefined) return undefined;
  const outputs = [...outputsOf(evaluation.recipe), ...unshippedTargets({ settings, evaluation })];
  const paths = new Set(outputs.map(({ outPath }) => outPath));
  return state.closures.here({ ...nix, host: state.host }, [...paths]);
}

/** The same with what is remembered, less what the store knows to be otherwise. */
const agreeing = <Context extends ImageContext>(context: Context): Context => ({
  ...context,
  knowledge: agreeingWithStore(context.knowledge, context.here ?? new Map()),
});

/** What the image's repository says of blobs. */
const presenceOf = ({ destination, knowledge, tagged, state }: ImageContext): Presence =>
  presenceIn(withSeen(destination.store, tagged), knowledge, message => warn(state.host, message));

/** An image of another tool is needed unless it was pushed just like this. */
async function planMadeImage(context: ImageContext): Promise<Omit<Plan, 'root'>> {
  const { knowledge, evaluation } = context;
  const { target } = evaluation;
  const known = await knowledge.imageOf(target.outPath, variantOf(context));
  return known
    ? { needed: [], reused: new Set([target.name]) }
    : { needed: [target], reused: new Set() };
}

/** Targets that no layer ships and that the user wants all the same. */
function unshippedTargets({
  settings,
  evaluation,
}: Pick<ImageContext, 'settings' | 'evaluation'>): DerivationOutput[] {
  const layers = evaluation.recipe?.layers ?? [];
  return layers.filter(
    layer => !layer.image && (settings.allTargets || settings.layers.includes(layer.name)),
  );
}

function tellPlan(plan: Pick<Plan, 'reused'>, layers: readonly LayerTarget[], host: Host): void {
  host.emit({
    type: 'plan',
    layers: layers.map(({ name, image }) => ({
      name,
      reused: plan.reused.has(name),
      shipped: image,
    })),
    at: host.clock(),
  });
}

interface Making {
  presence: Presence;
  realisation: Realisation;
  lessons: Lessons;
  root: RememberedRoot;
  host: Host;
  stop: (reason: unknown) => void;
}

/** Makes the layers in order. */
async function makeLayers(context: RecipeContext, making: Making): Promise<MadeLayer[]> {
  const { nix, recipe, settings, knowledge, destination, state } = context;
  const { store } = destination;
  const transfers = startTransfers(store, making.host, making.stop);
  // `docker load` of all versions reads plain layers
  const compression = store.takes(mediaTypes.layer.zstd) ? settings.compression : 'none';
  const work: LayerWork = {
    ...making,
    nix,
    recipe,
    knowledge,
    transfers,
    packing: { compression, pool: framePool(availableParallelism()) },
    maxLayerSize: settings.maxLayerSize,
    closures: state.closures,
    finished: layer => state.made.set(layer.name, layer),
    ...(state.run === undefined ? {} : { run: state.run }),
  };
  try {
    const layers = await makeAllLayers(work);
    for (const layer of recipe.layers) if (!layer.image) finishUnshipped(layer, work);
    return layers;
  } finally {
    await transfers.ended();
  }
}

function finishUnshipped(target: Recipe['layers'][number], work: LayerWork): void {
  const { name } = target;
  const origin = work.realisation.originOf(target);
  work.host.emit({ type: 'layer-realised', layer: name, origin, at: work.host.clock() });
  work.finished({ name, target, origin, blobs: [] });
}

/** What the image is beside its layers. */
async function partsOf(context: RecipeContext): Promise<ImageParts> {
  const { settings, recipe, architecture } = context;
  const { repositoryLabels, annotations } = settings;
  const labels = { ...repositoryLabels, ...settings.labels };
  return { recipe, created: await resolveCreated(context), architecture, labels, annotations };
}

async function resolveCreated(context: RecipeContext): Promise<string> {
  const { created } = context.recipe;
  if (created !== 'now') return created;
  return new Date((await madeAt(context)) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Without reuse every blob is made anew: the same store paths should have given the same bytes. */
export async function compareWithRemembered(
  layers: readonly MadeLayer[],
  { remembered, state: { host } }: ImageContext,
): Promise<void> {
  for (const { name, blobs } of layers) {
    for (const blob of blobs.filter(made => made.transfer === 'uploaded')) {
      const before = remembered.blobWithKey(blob.key);
      if (before === undefined || before.diffId === blob.diffId) continue;
      if (!(await remembered.isTrue(before))) continue;
      const maker = before.run === undefined ? 'an earlier run' : before.run;
      const message = `${name} is not reproducible: its diffID is ${blob.diffId}, and ${before.diffId} as ${maker} made it from the same store paths.`;
      warn(host, message);
    }
  }
}
