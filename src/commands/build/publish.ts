import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { imageConfig } from '../../image/config.ts';
import type { Recipe } from '../../nix/types.ts';
import { type Image, imageOf } from '../push.ts';
import type { MadeLayer } from './state.ts';

/** The parts of an image that are not layers. */
export interface ImageParts {
  recipe: Recipe;
  /** RFC 3339, "now" resolved. */
  created: string;
  architecture: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

/** Makes config and manifest of layers. @throws Failure where they are too many */
export function recipeImage(layers: readonly MadeLayer[], parts: ImageParts): Image {
  const blobs = layers.flatMap(layer => layer.blobs.map(blob => ({ ...blob, name: layer.name })));
  checkNumber(blobs.length);
  const { recipe, annotations, ...others } = parts;
  const config = imageConfig({ ...others, config: recipe.config, layers: blobs });
  return imageOf(config, blobs, annotations);
}

/** An image with more layers than an engine takes must not get a tag. */
function checkNumber(blobs: number): void {
  if (blobs <= limits.imageLayers) return;
  throw new Failure(
    `The image would have ${blobs} layers; container engines take ${limits.imageLayers}.`,
    {
      tried: 'Layers were reused as they are in the registry; no tag was moved.',
      next: 'Run again with `reuse: false`, or with a larger `max-layer-size`, or give the recipe fewer layers.',
    },
  );
}

/** Every path of every shipped closure must be in some layer; anything else is a defect. */
export function checkComplete(
  closures: readonly (readonly string[])[],
  held: ReadonlySet<string>,
): void {
  const missing = closures.flat().filter(path => !held.has(path));
  if (missing.length === 0) return;
  throw new Failure(`${missing.length} store paths are in no layer, such as ${missing[0]}.`, {
    tried: 'The layers were compared with the closures of their targets; no tag was moved.',
    next: 'Run again with `reuse: false`, and report this as a defect.',
  });
}
