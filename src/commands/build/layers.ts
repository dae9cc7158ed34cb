import type { Origin } from '../../host/events.ts';
import type { Host } from '../../host/host.ts';
import { limits } from '../../host/limits.ts';
import { storeBlobSource } from '../../image/blob-sources.ts';
import type { Packing } from '../../image/compress.ts';
import { blobKey } from '../../image/keys.ts';
import { readRootTree } from '../../image/root-layer.ts';
import { splitPaths } from '../../image/split.ts';
import type { Closure, Closures } from '../../nix/closures.ts';
import type { DerivationOutput, LayerTarget, Nix, Recipe } from '../../nix/types.ts';
import type { KnownBlob } from '../../registry/remembered.ts';
import type { Knowledge, Presence } from '../../registry/reuse.ts';
import type { LayerBlob, Transfers } from '../transfers.ts';
import type { Lessons } from './lessons.ts';
import type { Realisation } from './realisation.ts';
import type { RememberedRoot } from './remembered-root.ts';
import type { MadeLayer } from './state.ts';

/** Layers beside those of the targets: references and root, one blob each. */
const extraLayers = 2;

/** Everything that making layers works with. */
export interface LayerWork {
  nix: Nix;
  host: Host;
  recipe: Recipe;
  packing: Packing;
  /** Bytes, uncompressed; a larger layer is split. */
  maxLayerSize: number;
  knowledge: Knowledge;
  presence: Presence;
  realisation: Realisation;
  closures: Closures;
  transfers: Transfers;
  lessons: Lessons;
  root: RememberedRoot;
  /** Called with each layer when it is done. */
  finished(layer: MadeLayer): void;
  /** Where this run can be looked up. */
  run?: string;
}

/**
 * Known blobs that hold all of `needed` and are there: one made of just these paths, or those that
 * carried the output before. Undefined when some must be made.
 */
export async function findReusable(
  outPath: string | undefined,
  needed: ReadonlySet<string>,
  { knowledge, presence }: Pick<LayerWork, 'knowledge' | 'presence'>,
): Promise<readonly LayerBlob[] | undefined> {
  if (needed.size === 0) return [];
  const exact = knowledge.blobWithKey(blobKey([...needed]));
  const carriers = outPath === undefined ? [] : knowledge.carriersOf(outPath);
  const candidates = [
    ...(exact ? [[exact]] : []),
    ...carriers.filter(blobs => needed.isSubsetOf(pathsOf(blobs))),
  ];
  for (const blobs of candidates) {
    const found = await withPresence(blobs, presence);
    if (found) return found;
  }
  return undefined;
}

/** The blobs with how they are present; undefined when one of them is gone. */
async function withPresence(
  blobs: readonly KnownBlob[],
  presence: Presence,
): Promise<LayerBlob[] | undefined> {
  const found = await Promise.all(
    blobs.map(async blob => ({ blob, transfer: await presence(blob) })),
  );
  const present = found.flatMap(({ blob, transfer }) => (transfer ? [{ ...blob, transfer }] : []));
  return present.length === blobs.length ? present : undefined;
}

/** All store paths that the blobs hold. */
export function pathsOf(blobs: readonly KnownBlob[]): Set<string> {
  return new Set(blobs.flatMap(blob => blob.paths));
}

/**
 * Makes the layers of the recipe's shipped targets, in order: content of layer k is the closure of
 * its target minus what the layers before it hold. A layer is decided when its closure and those
 * before it are known; its transfer goes on while later targets are still being built, and beyond.
 *
 * @param held receives the store paths that the layers hold
 * @returns when all are decided, their ends
 */
export async function decideTargetLayers(
  work: LayerWork,
  held: Set<string>,
): Promise<{ made: Promise<MadeLayer[]> }> {
  const shipped = work.recipe.layers.filter(layer => layer.image);
  const pending: Promise<MadeLayer>[] = [];
  const add = (layer: Promise<MadeLayer>) => {
    layer.catch(() => undefined); // told below, or the loop has failed before it
    pending.push(layer);
  };
  let blobCount = 0;
  for (const [at, target] of shipped.entries()) {
    const later = shipped.slice(at + 1);
    const remembered = await closureOf(target, work);
    const needed = new Set(remembered).difference(held);
    const reusable = await findReusable(target.outPath, needed, work);
    if (
      reusable &&
      blobCount + reusable.length + later.length + extraLayers <= limits.imageLayers
    ) {
      for (const path of pathsOf(reusable)) held.add(path);
      blobCount += reusable.length;
      add(Promise.resolve(reuseLayer(target, remembered, reusable, work)));
      continue;
    }
    await work.realisation.have(target);
    const origin = work.realisation.originOf(target);
    tellRealised(target.name, origin, work);
    learnRootTree(target, work);
    // what was built here may refer to other paths than what was built elsewhere
    const closure = await closureInStore(target, work);
    work.lessons.closure(target.outPath, pathsIn(closure));
    const content = closure.filter(({ path }) => !held.has(path));
    for (const { path } of content) held.add(path);
    const room = limits.imageLayers - blobCount - extraLayers - roomForLater(later, work);
    const groups = splitContent(content, room, work);
    blobCount += groups.length;
    const blobs = sendGroups(target.name, groups, work);
    add(finishLayer({ name: target.name, target, origin, blobs }, pathsIn(closure), work));
  }
  const made = Promise.all(pending);
  made.catch(() => undefined); // told to who waits for it
  return { made };
}

/** Blobs that later layers will most likely have: those that carry them now, else one for each. */
function roomForLater(later: readonly LayerTarget[], { knowledge }: LayerWork): number {
  const blobsOf = ({ outPath }: LayerTarget) =>
    Math.max(1, knowledge.carriersOf(outPath)[0]?.length ?? 1);
  const likely = later.reduce((sum, layer) => sum + blobsOf(layer), 0);
  // where they would leave too little for the rest, they are made again in fewer
  return Math.min(likely, Math.max(later.length, Math.floor(limits.imageLayers / 2)));
}

/** The paths of an output's closure, from the memory, else from the store once the output is there. */
export async function closureOf(
  output: DerivationOutput,
  work: LayerWork,
): Promise<readonly string[]> {
  const known = work.knowledge.closureOf(output.outPath);
  if (known) return known;
  await work.realisation.have(output);
  return pathsIn(await closureInStore(output, work));
}

/** What else of the image is there by now is asked for with it: outputs often come together. */
function closureInStore({ outPath }: DerivationOutput, work: LayerWork): Promise<Closure> {
  const { nix, host, recipe, realisation, closures } = work;
  const there = outputsOf(recipe).filter(output => realisation.has(output));
  const besides = there.map(output => output.outPath);
  return closures.of({ ...nix, host }, outPath, besides);
}

/** All outputs that an image is made of. */
export function outputsOf({ layers, root, configOutputs }: Recipe): DerivationOutput[] {
  return [...layers.filter(layer => layer.image), ...root, ...configOutputs];
}

const pathsIn = (closure: Closure) => closure.map(({ path }) => path);

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

function tellRealised(layer: string, origin: Origin, { host }: LayerWork): void {
  host.emit({ type: 'layer-realised', layer, origin, at: host.clock() });
}

/** A root output is looked into while it is here: another machine may need to know, and not have it. */
function learnRootTree({ outPath }: LayerTarget, { nix, recipe, lessons }: LayerWork): void {
  if (!recipe.root.some(root => root.outPath === outPath)) return;
  lessons.rootTree(outPath, readRootTree(outPath, nix.place));
}

/** Divides a layer's content into blobs. */
export function splitContent(
  content: Closure,
  room: number,
  { maxLayerSize }: LayerWork,
): Closure[] {
  return splitPaths(content, maxLayerSize, Math.max(1, room));
}

/** Sends each group of store paths as a blob, unless the registry has just that blob already. */
export function sendGroups(
  layer: string,
  groups: readonly Closure[],
  work: LayerWork,
): Promise<LayerBlob>[] {
  const { packing, knowledge, presence, transfers, lessons, run } = work;
  return groups.map(async (group, index) => {
    const paths = group.map(({ path }) => path);
    const key = blobKey(paths);
    const known = knowledge.blobWithKey(key);
    const there = known && (await withPresence([known], presence));
    if (there?.[0]) return there[0];
    const source = storeBlobSource(paths, packing, work.nix);
    const sent = await transfers.send({
      layer,
      index,
      key,
      paths,
      source,
      weight: group.reduce((sum, { narSize }) => sum + narSize, 0),
      ...(run === undefined ? {} : { run }),
    });
    lessons.blob(sent);
    return sent;
  });
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

/** Tells everybody that a layer is done. */
export function finished(layer: MadeLayer, work: LayerWork): MadeLayer {
  work.finished(layer);
  work.host.emit({ type: 'layer-end', layer: layer.name, at: work.host.clock() });
  return layer;
}
