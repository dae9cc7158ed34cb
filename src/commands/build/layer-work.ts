import type { Origin } from '../../host/events.ts';
import type { Host } from '../../host/host.ts';
import { inSpan } from '../../host/span.ts';
import { storeBlobSource } from '../../image/blob-sources.ts';
import type { Packing } from '../../image/compress.ts';
import { blobKey } from '../../image/keys.ts';
import { readRootTree, treePaths } from '../../image/root-layer.ts';
import { splitPaths } from '../../image/split.ts';
import type { Closure, Closures } from '../../nix/closures.ts';
import { namedTargets } from '../../nix/recipe-layers.ts';
import type { DerivationOutput, Nix, Recipe } from '../../nix/types.ts';
import type { KnownBlob } from '../../registry/remembered.ts';
import type { Knowledge, Presence } from '../../registry/reuse.ts';
import type { LayerBlob, Transfers } from '../transfers.ts';
import { type RememberedRoot, rootParts } from './added-layers/remembered-root.ts';
import type { Lessons } from './lessons.ts';
import type { Realisation } from './realisation.ts';
import type { MadeLayer } from './state.ts';

/** Layers beside those of the targets: references and root, one blob each. */
export const extraLayers = 2;

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
export function closureInStore({ outPath }: DerivationOutput, work: LayerWork): Promise<Closure> {
  const { nix, host, recipe, realisation, closures } = work;
  const there = outputsOf(recipe).filter(output => realisation.has(output));
  const besides = there.map(output => output.outPath);
  return inSpan(host, { kind: 'store' }, () => closures.of({ ...nix, host }, outPath, besides));
}

/** All outputs that an image is made of. */
export function outputsOf({ layers, root, referredOutputs }: Recipe): DerivationOutput[] {
  const shipped = namedTargets(layers.filter(layer => layer.image));
  return [...shipped, ...root, ...referredOutputs];
}

const pathsIn = (closure: Closure) => closure.map(({ path }) => path);

export function tellRealised(layer: string, origin: Origin, { host }: LayerWork): void {
  host.emit({ type: 'layer-realised', layer, origin, at: host.clock() });
}

/** What the root layer is made of is looked into while it is here: another machine may not have it. */
export function learnRootTree(
  { outPath }: DerivationOutput,
  { nix, recipe, lessons }: LayerWork,
): void {
  if (!treePaths(rootParts(recipe)).includes(outPath)) return;
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
  return groups.map((group, index) => sendGroup(layer, index, group, work));
}

/** The blob of just these store paths, where the registry has it. */
export async function knownBlob(
  group: Closure,
  { knowledge, presence }: Pick<LayerWork, 'knowledge' | 'presence'>,
): Promise<LayerBlob | undefined> {
  const known = knowledge.blobWithKey(blobKey(group.map(({ path }) => path)));
  return known && (await withPresence([known], presence))?.[0];
}

/** @param index which of the layer's blobs it is, from 0 */
export async function sendGroup(
  layer: string,
  index: number,
  group: Closure,
  work: LayerWork,
): Promise<LayerBlob> {
  const { packing, transfers, lessons, run } = work;
  const there = await knownBlob(group, work);
  if (there) return there;
  const paths = group.map(({ path }) => path);
  const sent = await transfers.send({
    layer,
    index,
    key: blobKey(paths),
    paths,
    source: storeBlobSource(paths, packing, work.nix),
    weight: group.reduce((sum, { narSize }) => sum + narSize, 0),
    ...(run === undefined ? {} : { run }),
  });
  lessons.blob(sent);
  return sent;
}

/** Tells everybody that a layer is done. */
export function finished(layer: MadeLayer, work: LayerWork): MadeLayer {
  work.finished(layer);
  work.host.emit({ type: 'layer-end', layer: layer.name, at: work.host.clock() });
  return layer;
}

/** A layer that the program adds is done. It has no target: it was made here, or was there already. */
export function finishedAdded(
  name: string,
  blobs: readonly LayerBlob[],
  work: LayerWork,
): MadeLayer {
  const origin = blobs.every(blob => blob.transfer !== 'uploaded') ? 'reused' : 'built';
  tellRealised(name, origin, work);
  return finished({ name, target: null, origin, blobs }, work);
}
