import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { limits } from '../host/limits.ts';
import { type Derivation, readDerivationFile } from '../nix/derivation.ts';
import { isShipped, targetsOf } from '../nix/recipe-layers.ts';
import { fileOf, type StorePlace } from '../nix/store-place.ts';
import type { Evaluation, Recipe } from '../nix/types.ts';
import { readFacts } from './facts.ts';
import { takeApart } from './made-image.ts';
import { nearDerivations } from './near.ts';
import { ofNixpkgs } from './origins.ts';
import { type AuditedLayer, type AuditSubject, referencesLayer, writtenText } from './subject.ts';

/**
 * Reads what the audit needs of an evaluated image from the store, where evaluation has put it: its
 * derivations, and files that they name. Nothing needs to be built.
 * Rejects with a `Failure` that names a derivation that is missing or broken.
 *
 * @param place the folder in which the store's files are: another one than it is called in chroot stores
 */
export async function readSubject(
  evaluation: Evaluation,
  place = dirname(evaluation.target.drvPath),
): Promise<AuditSubject> {
  const { recipe, target } = evaluation;
  const layers = recipe ? recipeLayers(recipe) : undefined;
  const targets = layers?.flatMap(({ drvPaths }) => drvPaths) ?? [target.drvPath];
  const graph = await readFacts(targets, place);
  const seen = evaluation.provenance ?? { own: new Set(), nixpkgs: new Set(), unfree: new Map() };
  const provenance = { ...seen, nixpkgs: ofNixpkgs(graph, seen) };
  const near = new Map<string, Derivation>();
  const read = (drvPath: string) => {
    const known = near.get(drvPath) ?? readDerivationFile(drvPath, place);
    near.set(drvPath, known);
    return known;
  };
  const images = layers ? [] : takeApart(target.drvPath, graph, read);
  return {
    layers: layers ?? imageLayers(images, evaluation),
    hasRecipe: recipe !== undefined,
    config: recipe?.config ?? images.at(-1)?.config ?? {},
    graph,
    provenance,
    near: nearDerivations(targets, graph, provenance, read),
    textOf: textReader(near, { storeDir: dirname(target.drvPath), place }),
  };
}

function recipeLayers({ layers, root, referredOutputs }: Recipe): AuditedLayer[] {
  const references = [...new Set([...root, ...referredOutputs].map(output => output.drvPath))];
  const layer = (name: string, shipped: boolean, drvPaths: readonly string[]) => ({
    name,
    shipped,
    drvPaths,
    contents: drvPaths,
  });
  return [
    ...layers.map(each => {
      const drvPaths = targetsOf(each).map(({ drvPath }) => drvPath);
      return layer(each.name, isShipped(each), drvPaths);
    }),
    ...(references.length > 0 ? [layer(referencesLayer, true, references)] : []),
  ];
}

/** An image of dockerTools is a layer to people, and so is each that it is built on. */
function imageLayers(images: ReturnType<typeof takeApart>, { target }: Evaluation): AuditedLayer[] {
  const { name, drvPath } = target;
  if (images.length === 0)
    return [{ name, shipped: true, drvPaths: [drvPath], contents: [drvPath] }];
  return images.map(image => ({
    name: image.name,
    shipped: true,
    drvPaths: image.drvPaths,
    contents: image.contents,
    ...(image.taken ? { taken: image.taken } : {}),
  }));
}

/** Gives texts of files within the store only, whatever a script or a link names. */
function textReader(near: ReadonlyMap<string, Derivation>, store: StorePlace) {
  let written: Map<string, string> | undefined;
  return (path: string): string | undefined => {
    written ??= new Map(
      [...near.values()].flatMap(derivation => {
        const text = writtenText(derivation);
        return text === undefined ? [] : [[derivation.outputs.get('out') ?? '', text] as const];
      }),
    );
    return written.get(path) ?? fileText(path, store);
  };
}

function fileText(path: string, store: StorePlace): string | undefined {
  const { storeDir, place } = store;
  if (!path.startsWith(`${storeDir}/`)) return undefined;
  try {
    const real = realpathSync(fileOf(path, store));
    const info = statSync(real);
    if (
      !real.startsWith(`${realpathSync(place)}/`) ||
      !info.isFile() ||
      info.size > limits.auditedText
    )
      return undefined;
    return readFileSync(real, 'utf8');
  } catch {
    return undefined; // it is not there yet, or no file
  }
}
