import type {
  DerivationOutput,
  Evaluation,
  LayerOfTargets,
  LayerTarget,
  RecipeLayer,
} from './types.ts';

export const isOfTargets = (layer: RecipeLayer): layer is LayerOfTargets => 'targets' in layer;

/** The outputs that a layer is made of. */
export const targetsOf = (layer: RecipeLayer): readonly DerivationOutput[] =>
  isOfTargets(layer) ? layer.targets : [layer];

/** The outputs of all layers in their order, each with its layer's name. */
export const namedTargets = (layers: readonly RecipeLayer[]): LayerTarget[] =>
  layers.flatMap(layer => {
    const { name, image } = layer;
    return targetsOf(layer).map(({ drvPath, outputName, outPath }) => {
      return { drvPath, outputName, outPath, name, image };
    });
  });

/** Whether a layer is part of the image: it is to be, and there is something in it. */
export const isShipped = (layer: RecipeLayer): boolean =>
  layer.image && targetsOf(layer).length > 0;

/** What an image is made of: the layers of its recipe, or the flake's one target. */
export const layersOf = ({
  recipe,
  target,
}: Pick<Evaluation, 'recipe' | 'target'>): readonly RecipeLayer[] =>
  recipe?.layers ?? [{ ...target, image: true }];
