import type { Closure } from '../../nix/closures.ts';
import { isShipped, targetsOf } from '../../nix/recipe-layers.ts';
import type { RecipeLayer } from '../../nix/types.ts';
import type { BuildRecord } from '../../record/types.ts';
import type { ImageContext } from './context.ts';
import { lessHeld, sizeOf } from './target-layers.ts';

type WouldPush = NonNullable<BuildRecord['wouldPush']>;

/**
 * What a run that does not push would send: the layers that the registry lacks. Of a recipe's layers it is
 * known how large they are unpacked, where they are in the store; one question asks for all.
 */
export async function wouldPush(
  reused: ReadonlySet<string>,
  context: ImageContext,
): Promise<WouldPush> {
  const { evaluation, destination } = context;
  const { recipe, target } = evaluation;
  const tags = [...destination.tags];
  if (recipe) return { ...total(await unsentLayers(recipe.layers, reused, context)), tags };
  return { layers: reused.has(target.name) ? [] : [{ name: target.name }], tags };
}

async function unsentLayers(
  layers: readonly RecipeLayer[],
  reused: ReadonlySet<string>,
  { knowledge, nix, state }: ImageContext,
): Promise<WouldPush['layers']> {
  const shipped = layers.filter(isShipped);
  const isUnsent = ({ name }: RecipeLayer) => !reused.has(name);
  const outPaths = shipped
    .filter(isUnsent)
    .flatMap(targetsOf)
    .map(({ outPath }) => outPath);
  const here = await state.closures.here({ ...nix, host: state.host }, outPaths);
  const held = new Set<string>();
  return shipped.flatMap(layer => {
    const outputs = targetsOf(layer).map(({ outPath }) => outPath);
    const { content } = lessHeld(joined(outputs.map(path => here.get(path) ?? [])), held);
    const known = outputs.flatMap(path => knowledge.closureOf(path) ?? []);
    for (const path of [...known, ...content.map(each => each.path)]) held.add(path);
    if (!isUnsent(layer)) return [];
    const isHere = outputs.every(path => here.has(path));
    return [{ name: layer.name, ...(isHere ? { narSize: sizeOf(content) } : {}) }];
  });
}

/** Closures as one: each path once. */
const joined = (closures: readonly Closure[]): Closure => [
  ...new Map(closures.flat().map(sized => [sized.path, sized])).values(),
];

function total(layers: WouldPush['layers']): Pick<WouldPush, 'layers' | 'narSize'> {
  const sizes = layers.flatMap(({ narSize }) => narSize ?? []);
  if (sizes.length < layers.length) return { layers };
  return { layers, narSize: sizes.reduce((sum, size) => sum + size, 0) };
}
