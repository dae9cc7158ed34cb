import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import { framePool } from '../../image/frames.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { flakeLastModified } from '../../nix/flake.ts';
import type { DerivationOutput, Evaluation, Nix, Recipe } from '../../nix/types.ts';
import { writeMemory } from '../../registry/memory.ts';
import { type Presence, presenceIn } from '../../registry/reuse.ts';
import type { Destination } from './destination.ts';
import { makeReferencesLayer, makeRootLayer } from './extra-layers.ts';
import { type LayerWork, type MadeLayer, makeTargetLayers } from './layers.ts';
import { type Lessons, startLessons } from './lessons.ts';
import { type Plan, planFirst } from './plan.ts';
import { checkComplete, publish } from './publish.ts';
import { type Realisation, startRealisation } from './realisation.ts';
import type { Recollection } from './recall.ts';
import type { BuildState } from './state.ts';
import { startTransfers } from './transfers.ts';

/** All that is settled when the image begins to be made. */
export interface ImageContext extends Recollection {
  settings: BuildSettings;
  state: BuildState;
  nix: Nix;
  recipe: Recipe;
  evaluation: Evaluation;
  /** OCI's name. */
  architecture: string;
  destination: Destination;
}

/** Makes all layers, publishes the image and remembers, also what was done before a failure. */
export async function composeImage(context: ImageContext): Promise<void> {
  const { settings, state, recipe, destination, architecture } = context;
  const presence = presenceIn(destination.store);
  const plan = await planFirst({ ...context, presence, unshipped: unshippedTargets(context) });
  tellPlan(plan, context);
  const lessons = startLessons();
  const { host, stop } = stoppable(state.host);
  try {
    const layers = await whileRealising(plan.needed, context, host, realisation =>
      inPhase(host, 'push', () =>
        makeLayers(context, { presence, realisation, lessons, host, stop }),
      ),
    );
    compareWithRemembered(layers, context);
    await inPhase(host, 'finish', async () => {
      const created = await resolveCreated(context);
      const parts = { ...settings, recipe, created, architecture };
      state.manifest = await publish(destination, layers, parts, host);
      lessons.manifest(state.manifest.digest);
    });
  } finally {
    await remember(lessons, context);
  }
}

/** A host whose work can also be stopped from within: by the first transfer that fails. */
function stoppable(host: Host): { host: Host; stop: (reason: unknown) => void } {
  const controller = new AbortController();
  const signals = host.signal ? [host.signal, controller.signal] : [controller.signal];
  return {
    host: { ...host, signal: AbortSignal.any(signals) },
    stop: reason => controller.abort(reason),
  };
}

/** Realises what the registry lacks, of the selected layers if some are; pushes nothing. */
export async function realiseTargets(context: ImageContext): Promise<void> {
  const { settings, recipe, state, destination } = context;
  const presence = presenceIn(destination.store);
  const plan = await planFirst({ ...context, presence, unshipped: unshippedTargets(context) });
  tellPlan(plan, context);
  const selected = recipe.layers.filter(layer => settings.layers.includes(layer.name));
  const isWanted = ({ outPath }: DerivationOutput) =>
    selected.length === 0 || selected.some(layer => layer.outPath === outPath);
  const { host } = state;
  await whileRealising(plan.needed.filter(isWanted), context, host, async realisation => {
    for (const target of recipe.layers) {
      if (realisation.wants(target)) await realisation.have(target);
      const known = plan.reused.has(target.name) && !realisation.wants(target);
      const origin = known ? 'reused' : realisation.originOf(target);
      const { name } = target;
      host.emit({ type: 'layer-realised', layer: name, origin, at: host.clock() });
      host.emit({ type: 'layer-end', layer: name, at: host.clock() });
      state.made.set(name, { name, target, origin, blobs: [] });
    }
  });
}

/** Targets that no layer ships and that the user wants all the same. */
function unshippedTargets({ settings, recipe }: ImageContext): DerivationOutput[] {
  return recipe.layers.filter(
    layer => !layer.image && (settings.allTargets || settings.layers.includes(layer.name)),
  );
}

function tellPlan(plan: Plan, { recipe, state }: ImageContext): void {
  const { host } = state;
  host.emit({
    type: 'plan',
    layers: recipe.layers.map(({ name, image }) => ({
      name,
      reused: plan.reused.has(name),
      shipped: image,
    })),
    at: host.clock(),
  });
}

/**
 * Does `work` while Nix realises `first`; afterwards no Nix runs any more. When the work fails, builds
 * that are under way are finished, so that the next run finds them.
 */
async function whileRealising<T>(
  first: readonly DerivationOutput[],
  { nix, recipe, settings }: ImageContext,
  host: Host,
  work: (realisation: Realisation) => Promise<T>,
): Promise<T> {
  const rootsDirectory = await mkdtemp(join(settings.temporaryDirectory, 'comfy-nix-roots-'));
  try {
    return await inPhase(host, 'realise', async () => {
      const realisation = startRealisation(nix, first, recipe.layers, host, rootsDirectory);
      try {
        return await work(realisation);
      } finally {
        await realisation.ended();
      }
    });
  } finally {
    await rm(rootsDirectory, { recursive: true, force: true });
  }
}

interface Making {
  presence: Presence;
  realisation: Realisation;
  lessons: Lessons;
  host: Host;
  stop: (reason: unknown) => void;
}

/** Makes the layers in order. */
async function makeLayers(context: ImageContext, making: Making): Promise<MadeLayer[]> {
  const { nix, recipe, settings, knowledge, destination, state } = context;
  const { store } = destination;
  const transfers = startTransfers(store, making.host, making.stop);
  // `docker load` of all versions reads plain layers
  const compression = store.kind === 'docker-archive' ? 'none' : settings.compression;
  const work: LayerWork = {
    ...making,
    nix,
    recipe,
    knowledge,
    transfers,
    packing: { compression, pool: framePool(availableParallelism()) },
    maxLayerSize: settings.maxLayerSize,
    finished: layer => state.made.set(layer.name, layer),
    ...(state.run === undefined ? {} : { run: state.run }),
  };
  try {
    const held = new Set<string>();
    const targets = await makeTargetLayers(work, held);
    const references = await makeReferencesLayer(work, held);
    const root = await makeRootLayer(work);
    checkComplete(work.lessons.closures(), held);
    for (const layer of recipe.layers) if (!layer.image) finishUnshipped(layer, work);
    return [...targets, ...(references ? [references] : []), root];
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

/** The image's date: "now" is SOURCE_DATE_EPOCH, else the date of the flake's last change. */
async function resolveCreated({ nix, recipe, state, evaluation, settings }: ImageContext) {
  if (recipe.created !== 'now') return recipe.created;
  const given = state.host.env.SOURCE_DATE_EPOCH;
  const seconds =
    given !== undefined && /^\d+$/.test(given)
      ? Number(given)
      : await flakeLastModified(nix, evaluation.installable, settings.workingDirectory);
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Without reuse every blob is made anew: the same store paths should have given the same bytes. */
function compareWithRemembered(layers: readonly MadeLayer[], context: ImageContext): void {
  const { host } = context.state;
  for (const { name, blobs } of layers) {
    for (const blob of blobs.filter(made => made.transfer === 'uploaded')) {
      const before = context.remembered.blobWithKey(blob.key);
      if (before === undefined || before.diffId === blob.diffId) continue;
      const maker = before.run === undefined ? 'an earlier run' : before.run;
      const message = `${name} is not reproducible: its diffID is ${blob.diffId}, and ${before.diffId} as ${maker} made it from the same store paths.`;
      host.emit({ type: 'warning', message, at: host.clock() });
    }
  }
}

/** Writes the memory; a failure of that costs the next run time, and this one only a warning. */
async function remember(lessons: Lessons, context: ImageContext): Promise<void> {
  const { settings, destination, architecture, nix, state } = context;
  const learnt = lessons.soFar();
  const { cacheTag, store } = destination;
  if (!settings.writeMemory || learnt === undefined || cacheTag === undefined) return;
  try {
    await writeMemory(store, cacheTag, learnt, { storeDir: nix.storeDir, architecture });
  } catch (error) {
    const message = `What this run made could not be remembered at ${store.repository}:${cacheTag}: ${explain(error)}`;
    state.host.emit({ type: 'warning', message, at: state.host.clock() });
  }
}
