import { availableParallelism } from 'node:os';
import { orElse } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import { notice, warn } from '../../host/say.ts';
import { beginSpan, inSpan } from '../../host/span.ts';
import { stoppable } from '../../host/stoppable.ts';
import { framePool } from '../../image/frames.ts';
import { mediaTypes } from '../../image/types.ts';
import {
  isOfTargets,
  isShipped,
  layersOf,
  namedTargets,
  targetsOf,
} from '../../nix/recipe-layers.ts';
import type { DerivationOutput, RecipeLayer } from '../../nix/types.ts';
import { withSeen } from '../../registry/evidence.ts';
import type { KnownBlob } from '../../registry/remembered.ts';
import { type Presence, presenceIn } from '../../registry/reuse.ts';
import { putImage } from '../push.ts';
import { startTransfers } from '../transfers.ts';
import type { RememberedRoot } from './added-layers/remembered-root.ts';
import { agreeingWithStore } from './agreement.ts';
import { makeAllLayers } from './all-layers.ts';
import { type ImageContext, madeAt, pushBuilt, type RecipeContext, variantOf } from './context.ts';
import { findCurrent } from './current.ts';
import { startForetelling } from './forecast/foretell.ts';
import { type LayerWork, outputsOf } from './layer-work.ts';
import type { Lessons } from './lessons.ts';
import { type Plan, planFirst } from './plan.ts';
import { type ImageParts, recipeImage } from './publish.ts';
import { type Realisation, whileRealising } from './realisation.ts';
import type { MadeLayer } from './state.ts';
import { foremost } from './target-layers.ts';
import { timedPresence } from './timed-presence.ts';

/** Makes all layers, publishes the image and remembers, also what was done before a failure. */
export async function composeImage(given: RecipeContext): Promise<void> {
  const context = agreeing(given);
  const { state, recipe } = context;
  const { parts, current, presence, plan } = await inSpan(state.host, { kind: 'plan' }, () =>
    planImage(context),
  );
  const planned = beginSpan(state.host, { kind: 'plan' });
  tellPlan(plan, recipe.layers, state.host);
  const { store } = context.destination;
  if (plan.needed.length > 0) beginKeeping(context);
  const foreteller = startForetelling(context, plan);
  await pushBuilt(context, async lessons => {
    const { host, stop } = stoppable(state.host);
    planned();
    const layers = await whileRealising(
      plan.needed,
      { ...context, foreteller },
      host,
      realisation =>
        inPhase(host, 'push', () =>
          makeLayers(context, { presence, realisation, lessons, root: plan.root, host, stop }),
        ),
    );
    const image = await inSpan(host, { kind: 'manifest' }, async () => {
      await compareWithRemembered(layers, context);
      return recipeImage(layers, parts);
    });
    const put = current ? undefined : () => putImage(store, image);
    return { manifest: image.manifest, put, current: current?.tags };
  });
}

/** Begins to read what the memory is to keep of the derivations. */
export function beginKeeping({ state, settings, evaluation, nix }: ImageContext): void {
  if (!settings.writeMemory) return;
  const keep = async () => (await import('./forecast/why.ts')).keepImage({ evaluation, nix });
  state.kept = orElse(keep(), undefined);
}

/** Decides what has to be made, by what is remembered and by what the registry has. */
async function planImage(context: RecipeContext) {
  const inputs = planInputs(context);
  const parts = await partsOf(context);
  const current = inputs.unshipped.length > 0 ? undefined : await findCurrent(context, parts);
  const presence = current?.presence ?? presenceOf(context);
  const plan = await planFirst({ ...inputs, recipe: context.recipe, presence });
  return { parts, current, presence, plan };
}

/** What there is to do for an image, by what is known of it. */
export interface PlannedImage {
  context: ImageContext;
  plan: Omit<Plan, 'root'> & Partial<Pick<Plan, 'root'>>;
  presence: Presence;
}

/** Decides what has to be made, for a run that pushes nothing. */
export async function planOnly(given: ImageContext): Promise<PlannedImage> {
  const { recipe } = given.evaluation;
  const context = agreeing(given);
  const presence = presenceOf(context);
  const plan = await inSpan(context.state.host, { kind: 'plan' }, async () =>
    recipe ? planFirst({ ...planInputs(context), recipe, presence }) : planMadeImage(context),
  );
  return { context, plan, presence };
}

/** Realises what the registry lacks, of the selected layers if some are; pushes nothing. */
export async function realiseTargets(given: ImageContext): Promise<void> {
  const { context, plan } = await planOnly(given);
  const { settings, state } = context;
  const layers = layersOf(given.evaluation);
  tellPlan(plan, layers, state.host);
  const selected = layers.filter(layer => settings.layers.includes(layer.name));
  const chosen = new Set(namedTargets(selected).map(({ outPath }) => outPath));
  const isWanted = ({ outPath }: DerivationOutput) => selected.length === 0 || chosen.has(outPath);
  const { host } = state;
  const needed = plan.needed.filter(isWanted);
  const foreteller = startForetelling(context, { ...plan, needed });
  await whileRealising(needed, { ...context, foreteller }, host, async realisation => {
    for (const layer of layers) {
      const wanted = targetsOf(layer).filter(target => realisation.wants(target));
      await realisation.have(...wanted);
      const known = plan.reused.has(layer.name) && wanted.length === 0;
      const origin = known ? 'reused' : foremost(targetsOf(layer).map(realisation.originOf));
      const { name } = layer;
      host.emit({ type: 'layer-realised', layer: name, origin, at: host.clock() });
      host.emit({ type: 'layer-end', layer: name, at: host.clock() });
      state.made.set(name, { name, target: targetOf(layer), origin, blobs: [] });
    }
  });
  // loaded on use; a number of the report is no reason to fail
  const unsent = async () => (await import('./would-push.ts')).wouldPush(plan.reused, context);
  state.wouldPush = await inSpan(host, { kind: 'store' }, unsent).catch(() => undefined);
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
const presenceOf = ({ destination, knowledge, tagged, state }: ImageContext): Presence => {
  const store = timedPresence(withSeen(destination.store, tagged), state.host);
  return presenceIn(store, knowledge, message => warn(state.host, message));
};

/** An image of another tool is needed unless it was pushed just like this. */
async function planMadeImage(context: ImageContext): Promise<Omit<Plan, 'root'>> {
  const { knowledge, evaluation } = context;
  const { target } = evaluation;
  const known = await knowledge.imageOf(target.outPath, variantOf(context));
  return known
    ? {
        needed: [],
        reused: new Set([target.name]),
        blobs: new Map([[target.name, present(known.blobs)]]),
      }
    : { needed: [target], reused: new Set(), blobs: new Map() };
}

const present = (blobs: readonly KnownBlob[]) =>
  blobs.map(blob => ({ ...blob, transfer: 'present' as const }));

/** What a plan is made from, the recipe aside. */
function planInputs(context: ImageContext) {
  const { knowledge, settings, state } = context;
  const { maxLayerSize } = settings;
  const unshipped = unshippedTargets(context);
  return { knowledge, maxLayerSize, closures: state.closures, unshipped };
}

/** Targets that no layer ships and that the user wants all the same. */
function unshippedTargets({
  settings,
  evaluation,
}: Pick<ImageContext, 'settings' | 'evaluation'>): DerivationOutput[] {
  const layers = evaluation.recipe?.layers ?? [];
  return namedTargets(layers).filter(
    ({ image, name }) => !image && (settings.allTargets || settings.layers.includes(name)),
  );
}

function tellPlan(plan: Pick<Plan, 'reused'>, layers: readonly RecipeLayer[], host: Host): void {
  host.emit({
    type: 'plan',
    layers: layers.map(layer => ({
      name: layer.name,
      reused: plan.reused.has(layer.name),
      shipped: isShipped(layer),
    })),
    at: host.clock(),
  });
  for (const layer of layers) {
    if (!layer.image || isShipped(layer)) continue;
    notice(host, `${layer.name} has no targets, and the image no such layer.`);
  }
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
    const layers = await whileDeciding(work, () => makeAllLayers(work));
    for (const layer of recipe.layers) if (!isShipped(layer)) finishUnshipped(layer, work);
    return layers;
  } finally {
    await transfers.ended();
  }
}

/** Where Nix has nothing to do, what takes time is to decide the layers. */
function whileDeciding<T>({ realisation, host }: LayerWork, work: () => Promise<T>): Promise<T> {
  return realisation.wants() ? work() : inSpan(host, { kind: 'plan' }, work);
}

function finishUnshipped(layer: RecipeLayer, work: LayerWork): void {
  const { name } = layer;
  const origin = foremost(targetsOf(layer).map(work.realisation.originOf));
  work.host.emit({ type: 'layer-realised', layer: name, origin, at: work.host.clock() });
  work.finished({ name, target: targetOf(layer), origin, blobs: [] });
}

/** The one target of a layer; null where it has several. */
const targetOf = (layer: RecipeLayer) => (isOfTargets(layer) ? null : layer);

/** What the image is beside its layers. */
export async function partsOf(context: RecipeContext): Promise<ImageParts> {
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
