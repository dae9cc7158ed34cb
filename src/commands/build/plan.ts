import { treePaths } from '../../image/root-layer.ts';
import type { Closures } from '../../nix/closures.ts';
import { isOfTargets, isShipped, namedTargets } from '../../nix/recipe-layers.ts';
import type { DerivationOutput, LayerOfTargets, Recipe } from '../../nix/types.ts';
import type { Knowledge, Presence } from '../../registry/reuse.ts';
import type { LayerBlob } from '../transfers.ts';
import { type RememberedRoot, recallRoot, rootParts } from './added-layers/remembered-root.ts';
import { findReusable, pathsOf } from './layer-work.ts';
import { rememberedClosure, type Shares, shareOut, sizesOfTargets } from './target-layers.ts';
import { planTargets } from './target-plan.ts';

/** What is known before anything is built. */
export interface Plan {
  /** Outputs that are needed whatever else turns out: the first, and mostly the only, batch. */
  needed: readonly DerivationOutput[];
  /** Names of the layers that the registry holds already. */
  reused: ReadonlySet<string>;
  /** Blobs of layers that the registry holds, by the layers' names: all of the reused, some of others. */
  blobs: ReadonlyMap<string, readonly LayerBlob[]>;
  /** What is known of the layer of links. */
  root: RememberedRoot;
}

/** What a plan is made from. */
export interface PlanInputs {
  recipe: Recipe;
  knowledge: Knowledge;
  presence: Presence;
  /** What the store has said. */
  closures: Pick<Closures, 'sizeOf'>;
  maxLayerSize: number;
  /** Targets that no layer ships, and that are wanted all the same. */
  unshipped: readonly DerivationOutput[];
}

/**
 * Decides from evaluation and memory alone what has to be realised. A layer that is known, but whose
 * content depends on one that is not, is left for later: it is decided when that one is built.
 */
export async function planFirst(inputs: PlanInputs): Promise<Plan> {
  askAhead(inputs);
  const [layers, root] = await Promise.all([planLayers(inputs), recallRoot(inputs)]);
  const roots = planRoots(inputs, root);
  const needed = [...layers.needed, ...inputs.unshipped, ...roots];
  const byPath = new Map(needed.map(output => [output.outPath, output]));
  return { ...layers, needed: [...byPath.values()], root };
}

async function planLayers(inputs: PlanInputs): Promise<Omit<Plan, 'root'>> {
  const { recipe, knowledge, presence } = inputs;
  const held = new Set<string>();
  const needed: DerivationOutput[] = [];
  const reused = new Set<string>();
  const known = new Map<string, readonly LayerBlob[]>();
  const shipped = recipe.layers.filter(isShipped);
  let blobCount = 0;
  let shares: Shares | undefined;
  let certain = true; // that `held` is all that the layers so far hold
  for (const [at, layer] of shipped.entries()) {
    if (isOfTargets(layer)) {
      const given = { layers: shipped.slice(at), blobCount };
      shares ??= await shareOut(given, async layers => rememberedSizes(layers, held, inputs));
      const plan = await planTargets(layer, { shares, held, certain }, inputs);
      needed.push(...plan.needed);
      if (plan.isReused) reused.add(layer.name);
      known.set(layer.name, plan.blobs);
      certain &&= plan.isCertain;
      continue;
    }
    const closure = knowledge.closureOf(layer.outPath);
    blobCount += 1;
    if (closure === undefined) {
      needed.push(layer);
      certain = false;
      continue;
    }
    const content = new Set(closure).difference(held);
    const blobs = await findReusable(layer.outPath, content, { knowledge, presence });
    if (blobs) {
      reused.add(layer.name);
      known.set(layer.name, blobs);
      blobCount += blobs.length - 1;
      for (const path of pathsOf(blobs)) held.add(path);
    } else if (certain) {
      needed.push(layer);
      for (const path of content) held.add(path);
    }
  }
  return { needed, reused, blobs: known };
}

function rememberedSizes(
  layers: readonly LayerOfTargets[],
  held: ReadonlySet<string>,
  inputs: PlanInputs,
): number[][] | undefined {
  const closureOf = (target: DerivationOutput) => rememberedClosure(target, inputs);
  const isKnown = layers.every(({ targets }) => targets.every(closureOf));
  return isKnown ? sizesOfTargets(layers, held, target => closureOf(target) ?? []) : undefined;
}

/** Root and config outputs whose closure or tree nobody remembers. */
function planRoots(
  { recipe, knowledge }: PlanInputs,
  { blob, treeOf }: RememberedRoot,
): DerivationOutput[] {
  const { root: roots, referredOutputs, layers } = recipe;
  const shipped = namedTargets(layers.filter(isShipped));
  const carried = new Set([
    ...shipped.map(layer => layer.outPath),
    ...shipped.flatMap(layer => knowledge.closureOf(layer.outPath) ?? []),
  ]);
  const unknown = [...roots, ...referredOutputs].filter(
    ({ outPath }) => !carried.has(outPath) && knowledge.closureOf(outPath) === undefined,
  );
  if (blob) return unknown;
  const paths = new Set(treePaths(rootParts(recipe)));
  const merged = [...roots, ...referredOutputs].filter(({ outPath }) => paths.has(outPath));
  return [...unknown, ...merged.filter(({ outPath }) => treeOf(outPath) === undefined)];
}

/** Starts asking about the blobs that will most likely be used, all at a time. */
function askAhead({ recipe, knowledge, presence }: PlanInputs): void {
  for (const { outPath } of namedTargets(recipe.layers)) {
    for (const blob of knowledge.carriersOf(outPath)[0] ?? []) {
      presence(blob).catch(() => undefined); // told to whoever waits for the answer
    }
  }
}
