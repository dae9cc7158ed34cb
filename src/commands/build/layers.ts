import { limits } from '../../host/limits.ts';
import { isOfTargets, isShipped } from '../../nix/recipe-layers.ts';
import type { LayerOfTargets, LayerTarget, RecipeLayer } from '../../nix/types.ts';
import type { LayerBlob } from '../transfers.ts';
import {
  closureInStore,
  closureOf,
  extraLayers,
  findReusable,
  finished,
  type LayerWork,
  learnRootTree,
  pathsOf,
  sendGroups,
  splitContent,
  tellRealised,
} from './layer-work.ts';
import type { MadeLayer } from './state.ts';
import {
  makeLayerOfTargets,
  type Shares,
  shareOut,
  sizedClosure,
  sizesOfTargets,
} from './target-layers.ts';

/**
 * Makes the layers of the recipe's shipped targets, in order: content of layer k is the closure of
 * its targets minus what the layers before it hold. A layer is decided when its closure and those
 * before it are known; its transfer goes on while later targets are still being built, and beyond.
 *
 * @param held receives the store paths that the layers hold
 * @returns when all are decided, their ends
 */
export async function decideTargetLayers(
  work: LayerWork,
  held: Set<string>,
): Promise<{ made: Promise<MadeLayer[]> }> {
  const shipped = work.recipe.layers.filter(isShipped);
  const pending: Promise<MadeLayer>[] = [];
  let blobCount = 0;
  let shares: Shares | undefined;
  for (const [at, layer] of shipped.entries()) {
    if (isOfTargets(layer)) {
      const given = { layers: shipped.slice(at), blobCount };
      shares ??= await shareOut(given, layers => realisedSizes(layers, held, work));
    }
    const room = limits.imageLayers - extraLayers - blobCount;
    const later = shipped.slice(at + 1);
    const { blobs, made } =
      isOfTargets(layer) && shares
        ? await makeLayerOfTargets(layer, shares, work, held)
        : await makeLayer(layer as LayerTarget, { room, later, shares }, work, held);
    blobCount += blobs;
    made.catch(() => undefined); // told below, or the loop has failed before it
    pending.push(made);
  }
  const made = Promise.all(pending);
  made.catch(() => undefined); // told to who waits for it
  return { made };
}

async function realisedSizes(
  layers: readonly LayerOfTargets[],
  held: ReadonlySet<string>,
  work: LayerWork,
): Promise<number[][]> {
  const targets = layers.flatMap(layer => layer.targets);
  const closures = await Promise.all(targets.map(target => sizedClosure(target, work)));
  const byPath = new Map(targets.map(({ outPath }, at) => [outPath, closures[at] ?? []]));
  return sizesOfTargets(layers, held, ({ outPath }) => byPath.get(outPath) ?? []);
}

/** Blobs that a layer may have. */
interface Room {
  /** For it and all later ones. */
  room: number;
  later: readonly RecipeLayer[];
  shares: Shares | undefined;
}

/** A layer that is reused as a whole, as it was made before. */
async function makeLayer(
  target: LayerTarget,
  { room, later, shares }: Room,
  work: LayerWork,
  held: Set<string>,
): Promise<{ blobs: number; made: Promise<MadeLayer> }> {
  const remembered = await closureOf(target, work);
  const needed = new Set(remembered).difference(held);
  const reusable = await findReusable(target.outPath, needed, work);
  if (reusable && reusable.length <= room - leastForLater(later, shares)) {
    for (const path of pathsOf(reusable)) held.add(path);
    const made = reuseLayer(target, remembered, reusable, work);
    return { blobs: reusable.length, made: Promise.resolve(made) };
  }
  await work.realisation.have(target);
  const origin = work.realisation.originOf(target);
  tellRealised(target.name, origin, work);
  learnRootTree(target, work);
  // what was built here may refer to other paths than what was built elsewhere
  const closure = await closureInStore(target, work);
  const paths = closure.map(({ path }) => path);
  work.lessons.closure(target.outPath, paths);
  const content = closure.filter(({ path }) => !held.has(path));
  for (const { path } of content) held.add(path);
  const groups = splitContent(content, room - roomForLater(later, shares, work), work);
  const blobs = sendGroups(target.name, groups, work);
  const layer = { name: target.name, target, origin, blobs };
  return { blobs: groups.length, made: finishLayer(layer, paths, work) };
}

/** Blobs that later layers have at the least; those of several targets, what is shared out to them. */
const leastForLater = (later: readonly RecipeLayer[], shares: Shares | undefined) =>
  later.reduce((sum, { name }) => sum + (shares?.most.get(name) ?? 1), 0);

/** Blobs that later layers will most likely have: those that carry them now, else one for each. */
function roomForLater(
  later: readonly RecipeLayer[],
  shares: Shares | undefined,
  { knowledge }: LayerWork,
): number {
  const blobsOf = (layer: RecipeLayer) =>
    isOfTargets(layer)
      ? layer.targets.length
      : Math.max(1, knowledge.carriersOf(layer.outPath)[0]?.length ?? 1);
  const unshared = later.filter(({ name }) => !shares?.most.has(name));
  const shared = leastForLater(later, shares) - unshared.length;
  const likely = unshared.reduce((sum, layer) => sum + blobsOf(layer), 0);
  // where they would leave too little for the rest, they are made again in fewer
  return shared + Math.min(likely, Math.max(unshared.length, Math.floor(limits.imageLayers / 2)));
}

/** A layer for which the registry has everything: nothing is read or sent for it. */
function reuseLayer(
  target: LayerTarget,
  closure: readonly string[],
  blobs: readonly LayerBlob[],
  work: LayerWork,
): MadeLayer {
  // the target of an unknown closure had to be realised before its blobs were recognised
  const remembered = work.knowledge.closureOf(target.outPath) !== undefined;
  const origin = remembered ? 'reused' : work.realisation.originOf(target);
  tellRealised(target.name, origin, work);
  work.lessons.layer({ outPath: target.outPath, closure, blobs });
  return finished({ name: target.name, target, origin, blobs }, work);
}

async function finishLayer(
  layer: Omit<MadeLayer, 'blobs'> & { target: LayerTarget; blobs: Promise<LayerBlob>[] },
  closure: readonly string[],
  work: LayerWork,
): Promise<MadeLayer> {
  const blobs = await Promise.all(layer.blobs);
  work.lessons.layer({ outPath: layer.target.outPath, closure, blobs });
  return finished({ ...layer, blobs }, work);
}
