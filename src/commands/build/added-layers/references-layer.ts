import type { DerivationOutput } from '../../../nix/types.ts';
import type { LayerBlob } from '../../transfers.ts';
import {
  closureOf,
  findReusable,
  finishedAdded,
  type LayerWork,
  outputsOf,
  sendGroups,
  splitContent,
} from '../layer-work.ts';
import type { MadeLayer } from '../state.ts';

/** Its name, as the record shows it. */
const referencesLayer = 'references';

/**
 * The layer of store paths that `root`, `folders` or `config` refer to and that no target's layer holds,
 * and of those that a memory has overlooked; undefined when there are none.
 */
export async function makeReferencesLayer(
  work: LayerWork,
  held: Set<string>,
): Promise<MadeLayer | undefined> {
  const { recipe, lessons } = work;
  const needed = new Set(recipe.referredSources.filter(path => !held.has(path)));
  const outputs = [...recipe.root, ...recipe.referredOutputs];
  // a blob that holds more than it needs may hold an output and not what that refers to
  const carried = new Set(lessons.closures().flat());
  for (const output of outputs) {
    if (carried.has(output.outPath)) continue;
    const closure = await closureOf(output, work);
    lessons.closure(output.outPath, closure);
    for (const path of closure) if (!held.has(path)) needed.add(path);
  }
  for (const path of await overlooked(work, held)) needed.add(path);
  if (needed.size === 0) return undefined;
  const blobs = await makeReferences(outputs, needed, work);
  for (const path of needed) held.add(path);
  for (const blob of blobs) lessons.blob(blob); // reused ones are of this image, too
  return finishedAdded(referencesLayer, blobs, work);
}

/**
 * Store paths that belong to what is shipped, as the store knows since Nix has realised something, and
 * that no layer holds: a memory said less of it.
 */
async function overlooked(work: LayerWork, held: ReadonlySet<string>): Promise<string[]> {
  const { recipe, knowledge, realisation, nix, host } = work;
  if (!realisation.wants()) return [];
  const outPaths = new Set(outputsOf(recipe).map(({ outPath }) => outPath));
  const remembered = [...outPaths].filter(path => knowledge.closureOf(path) !== undefined);
  const here = await work.closures.here({ ...nix, host }, remembered);
  const paths = [...here.values()].flatMap(closure => closure.map(({ path }) => path));
  return paths.filter(path => !held.has(path));
}

async function makeReferences(
  outputs: readonly DerivationOutput[],
  needed: ReadonlySet<string>,
  work: LayerWork,
): Promise<readonly LayerBlob[]> {
  const reusable = await findReusable(undefined, needed, work);
  if (reusable) return reusable;
  const missing = outputs.filter(({ outPath }) => needed.has(outPath));
  await Promise.all(missing.map(output => work.realisation.have(output)));
  const { nix, host, closures } = work;
  const groups = splitContent(await closures.sized({ ...nix, host }, [...needed]), 1, work);
  return Promise.all(sendGroups(referencesLayer, groups, work));
}
