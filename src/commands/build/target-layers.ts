import type { Origin } from '../../host/events.ts';
import { limits } from '../../host/limits.ts';
import { splitPaths } from '../../image/split.ts';
import { groupTargets, leastOwnSize, ownBlobSize } from '../../image/target-groups.ts';
import type { Closure, Closures } from '../../nix/closures.ts';
import { isOfTargets } from '../../nix/recipe-layers.ts';
import type { DerivationOutput, LayerOfTargets, RecipeLayer } from '../../nix/types.ts';
import type { Knowledge } from '../../registry/reuse.ts';
import type { LayerBlob } from '../transfers.ts';
import {
  closureInStore,
  extraLayers,
  finished,
  knownBlob,
  type LayerWork,
  learnRootTree,
  sendGroup,
  tellRealised,
} from './layer-work.ts';
import type { MadeLayer } from './state.ts';

/** How blobs are shared out among the layers of several targets. */
export interface Shares {
  /** Bytes from which a target is a blob of its own. */
  least: number;
  /** The most blobs of each layer, by its name; one more for each that `spare` has. */
  most: ReadonlyMap<string, number>;
  /** Blobs that are left for targets that `max-layer-size` splits. */
  spare: number;
}

/** What is given when blobs are shared out. */
interface ToShare {
  /** The first of them is the first layer of several targets. */
  layers: readonly RecipeLayer[];
  /** Of the layers below. */
  blobCount: number;
}

/**
 * Shares blobs out by recipe and content alone, so that every machine does it alike. Sizes are asked for
 * only where the image would have too many layers if each target was a blob; undefined where they are not
 * known then.
 */
export async function shareOut(
  { layers, blobCount }: ToShare,
  sizesOf: (layers: readonly LayerOfTargets[]) => Promise<number[][] | undefined>,
): Promise<Shares | undefined> {
  const several = layers.filter(isOfTargets);
  const limit = limits.imageLayers - extraLayers - blobCount - (layers.length - several.length);
  const shared = (least: number, counts: readonly number[]): Shares => ({
    least,
    most: new Map(several.map(({ name }, at) => [name, counts[at] ?? 0])),
    spare: Math.max(0, limit - counts.reduce((sum, count) => sum + count, 0)),
  });
  const counts = several.map(({ targets }) => targets.length);
  if (counts.reduce((sum, count) => sum + count, 0) <= limit) return shared(ownBlobSize, counts);
  const sizes = await sizesOf(several);
  if (sizes === undefined) return undefined;
  const least = leastOwnSize(sizes, limit);
  return shared(
    least,
    sizes.map(each => groupTargets(each, least).length),
  );
}

/** What the targets of each layer add to `held` and to those before; layers of one target are left out. */
export function sizesOfTargets(
  layers: readonly LayerOfTargets[],
  held: ReadonlySet<string>,
  closureOf: (target: DerivationOutput) => Closure,
): number[][] {
  const seen = new Set(held);
  return layers.map(({ targets }) =>
    targets.map(target => {
      const { content } = lessHeld(closureOf(target), seen);
      for (const { path } of content) seen.add(path);
      return sizeOf(content);
    }),
  );
}

/** A target on its way into blobs. */
interface Part {
  target: DerivationOutput;
  closure: readonly string[];
  /** What it adds to the image. */
  content: Closure;
  blobs: readonly Promise<LayerBlob>[];
  /** Whether no other target is in its blobs. */
  isAlone: boolean;
}

interface Making {
  layer: LayerOfTargets;
  shares: Shares;
  work: LayerWork;
  /** Store paths of all that is below, and of the layer's targets so far. */
  held: Set<string>;
  /** Blobs that wait for their turn, by their places in the layer. */
  waiting: { at: number; start(): void }[];
}

/**
 * Makes a layer of several targets, which are decided one by one: what the registry has of a target is
 * reused. Small targets share a blob, which is made again where one of them has changed.
 *
 * @param held receives the store paths that the layer holds
 * @returns the number of its blobs, and the layer, which is done later
 */
export async function makeLayerOfTargets(
  layer: LayerOfTargets,
  shares: Shares,
  work: LayerWork,
  held: Set<string>,
): Promise<{ blobs: number; made: Promise<MadeLayer> }> {
  const making: Making = { layer, shares, work, held, waiting: [] };
  const parts: Part[] = [];
  const small: Part[] = [];
  let count = 0;
  for (const target of layer.targets) {
    const closure = await sizedClosure(target, work);
    const added = lessHeld(closure, held);
    const isAlone = sizeOf(added.content) >= shares.least;
    const found = { target, blobs: [], isAlone, ...added };
    const part = isAlone ? await makeAlone(found, count, making) : found;
    for (const { path } of part.content) held.add(path);
    parts.push(part);
    count += part.blobs.length;
    if (!isAlone && part.content.length > 0) small.push(part);
  }
  if (small.length > 0) await makeTogether(small, count++, making);
  for (const { start } of making.waiting.sort((one, other) => one.at - other.at)) start();
  for (const { target, closure } of parts) work.lessons.closure(target.outPath, closure);
  tellRealised(layer.name, foremost(parts.map(part => originOfPart(part, work))), work);
  return { blobs: count, made: finishParts(parts, layer, work) };
}

/** A target that is a blob of its own or, where `max-layer-size` splits it and there is room, several. */
async function makeAlone(part: Part, at: number, making: Making): Promise<Part> {
  const { shares, work, held } = making;
  const split = (content: Closure) => {
    const groups = splitPaths(content, work.maxLayerSize, 1 + shares.spare);
    shares.spare -= groups.length - 1;
    return groups;
  };
  const groups = split(part.content);
  const there = await Promise.all(groups.map(group => knownBlob(group, work)));
  const reusable = there.filter(blob => blob !== undefined);
  if (reusable.length === groups.length) {
    return { ...part, blobs: reusable.map(blob => Promise.resolve(blob)) };
  }
  shares.spare += groups.length - 1;
  const { closure, content } = await realised(part, held, work);
  const blobs = split(content).map((group, index) => send(making, at + index, group));
  return { ...part, closure, content, blobs };
}

/** Targets that share a blob. */
async function makeTogether(parts: readonly Part[], at: number, making: Making): Promise<void> {
  const { work, held } = making;
  const contents = () => parts.flatMap(({ content }) => content);
  const there = await knownBlob(contents(), work);
  if (there === undefined) {
    await work.realisation.have(...parts.map(({ target }) => target));
    for (const { path } of contents()) held.delete(path);
    for (const part of parts) {
      Object.assign(part, await realised(part, held, work));
      for (const { path } of part.content) held.add(path);
    }
  }
  const blob = there ? Promise.resolve(there) : send(making, at, contents());
  for (const part of parts) part.blobs = [blob];
}

/**
 * Sends while other targets are still being had or, where the order counts, once all are decided; who waits
 * for the layer is told when it fails.
 */
function send({ layer, work, waiting }: Making, at: number, group: Closure): Promise<LayerBlob> {
  const start = () => sendGroup(layer.name, at, group, work);
  const sent = work.transfers.keepsOrder
    ? new Promise<LayerBlob>(resolve => waiting.push({ at, start: () => resolve(start()) }))
    : start();
  sent.catch(() => undefined);
  return sent;
}

/** The target as the store has it: what was built here may refer to other paths than what was elsewhere. */
async function realised({ target }: Part, held: ReadonlySet<string>, work: LayerWork) {
  await work.realisation.have(target);
  learnRootTree(target, work);
  return lessHeld(await closureInStore(target, work), held);
}

/** A closure, and what of it is not held yet. */
export const lessHeld = (closure: Closure, held: ReadonlySet<string>) => ({
  closure: closure.map(({ path }) => path),
  content: closure.filter(({ path }) => !held.has(path)),
});

/** The closure of a target from the memory; where that does not say it all, from the store. */
export async function sizedClosure(target: DerivationOutput, work: LayerWork): Promise<Closure> {
  const sized = rememberedClosure(target, work);
  if (sized) return sized;
  await work.realisation.have(target);
  return closureInStore(target, work);
}

/** A closure with sizes as they are remembered, or as the store knows them. */
export function rememberedClosure(
  { outPath }: DerivationOutput,
  { knowledge, closures }: { knowledge: Knowledge; closures: Pick<Closures, 'sizeOf'> },
): Closure | undefined {
  const sized = knowledge.sizedClosureOf(outPath)?.map(({ path, narSize }) => {
    return { path, narSize: closures.sizeOf(path) ?? narSize };
  });
  const isKnown = (each: { path: string; narSize: number | undefined }) =>
    each.narSize !== undefined;
  return sized?.every(isKnown) ? (sized as Closure) : undefined;
}

export const sizeOf = (content: Closure) => content.reduce((sum, { narSize }) => sum + narSize, 0);

async function finishParts(
  parts: readonly Part[],
  { name }: LayerOfTargets,
  work: LayerWork,
): Promise<MadeLayer> {
  const origins = parts.map(part => originOfPart(part, work));
  const reused = origins.filter(origin => origin === 'reused').length;
  const inOrder = [
    ...parts.filter(({ isAlone }) => isAlone),
    ...parts.filter(({ isAlone }) => !isAlone),
  ];
  const blobs = await Promise.all(new Set(inOrder.flatMap(part => part.blobs)));
  for (const blob of blobs) work.lessons.blob(blob);
  for (const { target, closure, isAlone, ...part } of parts) {
    // a blob that holds others' paths, too, does not carry it: it is found by its key
    const carriers = isAlone ? await Promise.all(part.blobs) : [];
    work.lessons.layer({ outPath: target.outPath, closure, blobs: carriers });
  }
  const targets = { all: parts.length, reused };
  return finished({ name, target: null, origin: foremost(origins), blobs, targets }, work);
}

function originOfPart({ target }: Part, { realisation, knowledge }: LayerWork): Origin {
  const isRemembered = knowledge.closureOf(target.outPath) !== undefined;
  return isRemembered && !realisation.wants(target) ? 'reused' : realisation.originOf(target);
}

/** Where most had to be done: that is what the layer's time was spent on. */
const byEffort: readonly Origin[] = ['built', 'substituted', 'local', 'reused', 'skipped'];

/** The origin of a layer of several targets. */
export const foremost = (origins: readonly Origin[]): Origin =>
  byEffort.find(origin => origins.includes(origin)) ?? 'skipped';
