import type { DerivationOutput, Recipe } from '../../nix/types.ts';
import type { Knowledge, Presence } from '../../registry/reuse.ts';
import { findReusable, pathsOf } from './layers.ts';
import { type RememberedRoot, recallRoot } from './remembered-root.ts';

/** What is known before anything is built. */
export interface Plan {
  /** Outputs that are needed whatever else turns out: the first, and mostly the only, batch. */
  needed: readonly DerivationOutput[];
  /** Names of the layers that the registry holds already. */
  reused: ReadonlySet<string>;
  /** What is known of the layer of links. */
  root: RememberedRoot;
}

/** What a plan is made from. */
export interface PlanInputs {
  recipe: Recipe;
  knowledge: Knowledge;
  presence: Presence;
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
  return { needed: [...byPath.values()], reused: layers.reused, root };
}

async function planLayers({
  recipe,
  knowledge,
  presence,
}: PlanInputs): Promise<Omit<Plan, 'root'>> {
  const held = new Set<string>();
  const needed: DerivationOutput[] = [];
  const reused = new Set<string>();
  let certain = true; // that `held` is all that the layers so far hold
  for (const layer of recipe.layers.filter(candidate => candidate.image)) {
    const closure = knowledge.closureOf(layer.outPath);
    if (closure === undefined) {
      needed.push(layer);
      certain = false;
      continue;
    }
    const content = new Set(closure).difference(held);
    const blobs = await findReusable(layer.outPath, content, { knowledge, presence });
    if (blobs) {
      reused.add(layer.name);
      for (const path of pathsOf(blobs)) held.add(path);
    } else if (certain) {
      needed.push(layer);
      for (const path of content) held.add(path);
    }
  }
  return { needed, reused };
}

/** Root and config outputs whose closure or tree nobody remembers. */
function planRoots(
  { recipe, knowledge }: PlanInputs,
  { blob, treeOf }: RememberedRoot,
): DerivationOutput[] {
  const { root: roots, configOutputs, layers } = recipe;
  const shipped = layers.filter(layer => layer.image);
  const carried = new Set([
    ...shipped.map(layer => layer.outPath),
    ...shipped.flatMap(layer => knowledge.closureOf(layer.outPath) ?? []),
  ]);
  const unknown = [...roots, ...configOutputs].filter(
    ({ outPath }) => !carried.has(outPath) && knowledge.closureOf(outPath) === undefined,
  );
  if (blob) return unknown;
  return [...unknown, ...roots.filter(({ outPath }) => treeOf(outPath) === undefined)];
}

/** Starts asking about the blobs that will most likely be used, all at a time. */
function askAhead({ recipe, knowledge, presence }: PlanInputs): void {
  for (const layer of recipe.layers) {
    for (const blob of knowledge.carriersOf(layer.outPath)[0] ?? []) {
      presence(blob).catch(() => undefined); // told to whoever waits for the answer
    }
  }
}
