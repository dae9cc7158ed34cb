import { Failure } from '../host/failure.ts';
import type { ContainerConfig, ImageDirectory } from '../image/types.ts';
import {
  type DescribedDerivation,
  type Found,
  mismatch,
  readBoolean,
  readDerivation,
  readFields,
  readInteger,
  readList,
  readMap,
  readSet,
  readString,
  required,
} from './shape.ts';
import type { DerivationOutput, LayerTarget, Recipe } from './types.ts';

/** A recipe without what its config refers to, which takes a look into the store. */
export type WrittenRecipe = Omit<Recipe, 'configOutputs' | 'configSources'>;

const recipeFields = ['name', 'tag', 'layers', 'root', 'directories', 'created'] as const;
const layerFields = ['name', 'target', 'image'] as const;
const directoryFields = ['path', 'mode', 'uid', 'gid'] as const;
const configFields = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
] as const satisfies readonly (keyof ContainerConfig)[];

/** What an image is dated when its recipe does not say: reproducible, and not mistaken for "never". */
const defaultCreated = '1970-01-01T00:00:01Z';

/**
 * Reads the evaluated recipe and its config. Throws a {@link Failure} that names the first field that
 * is wrong, what it has to be and what was found.
 */
export function readRecipe(recipe: unknown, config: unknown): WrittenRecipe {
  const found: Found = { at: 'recipe', value: recipe };
  // config travels apart from the rest, but is a field of the recipe to whoever wrote it
  const field = readSet(found, [...recipeFields, 'config']);
  const layers = readList(required(found, 'layers', field('layers')), readLayer);
  if (layers.length === 0) throw mismatch({ at: 'recipe.layers', value: [] }, 'at least one layer');
  refuseSameNames(layers);
  const list = (name: 'root' | 'directories') => field(name) ?? { at: `recipe.${name}`, value: [] };
  const created = field('created');
  return {
    name: readString(
      required(found, 'name', field('name')),
      /^[A-Za-z0-9][\w.-]{0,127}$/,
      'a name of letters, digits, ".", "_" and "-", at most 128',
    ),
    tag: readString(required(found, 'tag', field('tag')), /^\w[\w.-]{0,127}$/, 'an image tag'),
    layers,
    root: readList(list('root'), item => outputOf(readDerivation(item))),
    directories: readList(list('directories'), readDirectory),
    config: readConfig({ at: 'recipe.config', value: config }),
    created: created ? readCreated(created) : defaultCreated,
  };
}

/** A described derivation as the rest of the program knows it. */
export function outputOf({ drv, output, out }: DescribedDerivation): DerivationOutput {
  return { drvPath: drv, outputName: output, outPath: out };
}

function readLayer(found: Found): LayerTarget {
  const field = readSet(found, layerFields);
  const image = field('image');
  return {
    name: readString(
      required(found, 'name', field('name')),
      /^\w[\w.+-]{0,127}$/,
      'a name of letters, digits, ".", "_", "+" and "-", at most 128',
    ),
    ...outputOf(readDerivation(required(found, 'target', field('target')))),
    image: image ? readBoolean(image) : true,
  };
}

/** Layers of the program's own, of what config and root refer to, and of the links at /. */
const ownLayers = ['references', 'root'];

function refuseSameNames(layers: readonly LayerTarget[]): void {
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

function readDirectory(found: Found): ImageDirectory {
  const field = readSet(found, directoryFields);
  const mode = field('mode');
  const uid = field('uid');
  const gid = field('gid');
  return {
    path: readPath(required(found, 'path', field('path'))),
    mode: mode ? readString(mode, /^[0-7]{3,4}$/, 'octal digits such as "1777"') : '0755',
    uid: uid ? readInteger(uid) : 0,
    gid: gid ? readInteger(gid) : 0,
  };
}

/** An absolute path without "..", "." or empty parts. */
const readPath = (found: Found) =>
  readString(found, /^\/$|^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/, 'an absolute path such as "/tmp"');

function readConfig(found: Found): ContainerConfig {
  const field = readSet(found, configFields);
  const read = <T>(name: (typeof configFields)[number], how: (found: Found) => T) => {
    const value = field(name);
    return value ? { [name]: how(value) } : {};
  };
  return {
    ...read('User', item => readString(item)),
    ...read('ExposedPorts', item =>
      readEmptySets(item, /^\d+(-\d+)?(\/(tcp|udp|sctp))?$/, 'ports'),
    ),
    ...read('Env', item => readList(item, readVariable)),
    ...read('Entrypoint', readStrings),
    ...read('Cmd', readStrings),
    ...read('Volumes', item => readEmptySets(item, /^\//, 'absolute paths')),
    ...read('WorkingDir', item => readString(item, /^(\/.*)?$/, 'an absolute path')),
    ...read('Labels', item => readMap(item, value => readString(value))),
    ...read('StopSignal', item => readString(item)),
  };
}

const readStrings = (found: Found) => readList(found, item => readString(item));

const readVariable = (found: Found) =>
  readString(found, /^[^=]+=/, 'a variable such as "NAME=value"');

/** OCI writes sets of names as sets of empty sets: `{ "8188/tcp" = { }; }`. */
function readEmptySets(
  found: Found,
  pattern: RegExp,
  names: string,
): Record<string, Record<string, never>> {
  const sets = readMap(found, item => {
    if (readFields(item).length > 0) throw mismatch(item, 'an empty set');
    return {};
  });
  const wrong = Object.keys(sets).find(name => !pattern.test(name));
  if (wrong === undefined) return sets;
  throw mismatch({ at: found.at, value: wrong }, `names that are ${names}`);
}

function readCreated(found: Found): string {
  if (found.value === 'now') return 'now';
  const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
  const expected = 'a time as in RFC 3339 ("1970-01-01T00:00:01Z"), or "now"';
  const created = readString(found, pattern, expected);
  if (Number.isNaN(Date.parse(created))) throw mismatch(found, expected);
  return created;
}
