import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { readContainerConfig } from './container-config.ts';
import { readDirectories } from './directories.ts';
import { readFolders, type WrittenFolder } from './folders.ts';
import { isShipped } from './recipe-layers.ts';
import { readMatrix } from './recipe-matrix.ts';
import {
  type DescribedDerivation,
  type Found,
  mismatch,
  readBoolean,
  readDerivation,
  readList,
  readSet,
  readShortList,
  readString,
  required,
} from './shape.ts';
import type { DerivationOutput, Recipe, RecipeLayer } from './types.ts';

/** A recipe without what its folders and its config refer to, which takes a look into the store. */
export interface WrittenRecipe
  extends Omit<Recipe, 'folders' | 'referredOutputs' | 'referredSources'> {
  folders: readonly WrittenFolder[];
}

const recipeFields = ['name', 'tag', 'layers', 'root', 'directories', 'created', 'matrix'] as const;
const layerFields = ['name', 'target', 'targets', 'image'] as const;
/** What an image is dated when its recipe does not say: reproducible, and not mistaken for "never". */
const defaultCreated = '1970-01-01T00:00:01Z';

/**
 * Reads the evaluated recipe, its config and its folders. Throws a {@link Failure} that names the first field that
 * is wrong, what it has to be and what was found.
 */
export function readRecipe(
  recipe: unknown,
  config: unknown,
  folders: unknown = null,
): WrittenRecipe {
  const found: Found = { at: 'recipe', value: recipe };
  // folders and config travel apart from the rest, but are fields of the recipe to whoever wrote it
  const field = readSet(found, [...recipeFields, 'folders', 'config']);
  const layers = readList(required(found, 'layers', field('layers')), readLayer);
  if (layers.length === 0) throw mismatch({ at: 'recipe.layers', value: [] }, 'at least one layer');
  refuseSameNames(layers);
  refuseTooMany(layers);
  const list = (name: 'root' | 'directories') => field(name) ?? { at: `recipe.${name}`, value: [] };
  const created = field('created');
  const matrix = field('matrix');
  return {
    name: readString(
      required(found, 'name', field('name')),
      /^[A-Za-z0-9][\w.-]{0,127}$/,
      'a name of letters, digits, ".", "_" and "-", at most 128',
    ),
    tag: readString(required(found, 'tag', field('tag')), /^\w[\w.-]{0,127}$/, 'an image tag'),
    layers,
    root: readList(list('root'), item => outputOf(readDerivation(item))),
    folders: readFolders({ at: 'recipe.folders', value: folders ?? [] }),
    directories: readDirectories(list('directories')),
    config: readContainerConfig({ at: 'recipe.config', value: config }),
    created: created ? readCreated(created) : defaultCreated,
    ...(matrix ? { matrix: readMatrix(matrix) } : {}),
  };
}

/** A described derivation as the rest of the program knows it. */
export function outputOf({ drv, output, out }: DescribedDerivation): DerivationOutput {
  return { drvPath: drv, outputName: output, outPath: out };
}

function readLayer(found: Found): RecipeLayer {
  const field = readSet(found, layerFields);
  const image = field('image');
  const [target, targets] = [field('target'), field('targets')];
  const layer = {
    name: readString(
      required(found, 'name', field('name')),
      /^\w[\w.+-]{0,127}$/,
      'a name of letters, digits, ".", "_", "+" and "-", at most 128',
    ),
    image: image ? readBoolean(image) : true,
  };
  if (target && targets) {
    throw new Failure(`${found.at} has a target and targets`, {
      next: 'Leave one of them out: what is in the list `targets` is reused one by one.',
    });
  }
  if (targets) return { ...layer, targets: readTargets(targets) };
  return { ...layer, ...outputOf(readDerivation(required(found, 'target', target))) };
}

const readTargets = (found: Found) => readShortList(found, item => outputOf(readDerivation(item)));

/** The layer of links at / comes to those that are shipped. */
function refuseTooMany(layers: readonly RecipeLayer[]): void {
  const shipped = layers.filter(isShipped).length;
  const most = limits.imageLayers - 1;
  if (shipped <= most) return;
  throw new Failure(
    `recipe.layers: ${shipped} layers are more than container engines take: at most ${most}, and the root layer.`,
    { next: 'Put several targets into one layer, such as by symlinkJoin or buildEnv.' },
  );
}

/** Layers of the program's own, of what config and root refer to, and of the links at /. */
const ownLayers = ['references', 'root'];

function refuseSameNames(layers: readonly RecipeLayer[]): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of layers.entries()) {
    if (ownLayers.includes(name)) {
      throw new Failure(
        `recipe.layers[${index}].name: "${name}" is a layer that the program adds`,
        {
          next: `Choose another name than ${ownLayers.join(' and ')}.`,
        },
      );
    }
    const before = seen.get(name);
    if (before !== undefined) {
      throw new Failure(
        `recipe.layers[${index}].name: "${name}" is also the name of recipe.layers[${before}]`,
        { next: 'Give each layer a name of its own.' },
      );
    }
    seen.set(name, index);
  }
}

function readCreated(found: Found): string {
  if (found.value === 'now') return 'now';
  const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
  const expected = 'a time as in RFC 3339 ("1970-01-01T00:00:01Z"), or "now"';
  const created = readString(found, pattern, expected);
  if (Number.isNaN(Date.parse(created))) throw mismatch(found, expected);
  return created;
}
