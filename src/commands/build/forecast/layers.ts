import type { ListedNeeds } from '../../../nix/disk-needs.ts';
import { isShipped, targetsOf } from '../../../nix/recipe-layers.ts';
import type { DerivationOutput, RecipeLayer } from '../../../nix/types.ts';
import type { ForecastBytes, PlannedLayer } from '../../../record/types.ts';
import { storeName } from '../../../report/units.ts';
import { type LastTime, sizeToSend } from './sizes.ts';
import type { TimeOf } from './times.ts';

/** What is known of a run before anything is built. */
export interface Known extends LastTime {
  /** All layers of the recipe, or the flake's one target. */
  layers: readonly RecipeLayer[];
  /** Names of layers of which the registry has all. */
  reused: ReadonlySet<string>;
  /** Paths of the outputs that are needed, and of those that the store has. */
  needed: ReadonlySet<string>;
  here: ReadonlySet<string>;
  /** What Nix says that it would do; undefined where it could not. */
  needs: ListedNeeds | undefined;
  /** The layer that first needs a derivation. */
  layerOf(drvPath: string): string | undefined;
  timeOf: TimeOf;
}

/** Where each layer comes from. One that is not part of the image is told of where something is built for it. */
export function planLayers(known: Known): PlannedLayer[] {
  const built = Map.groupBy(known.needs?.built ?? [], drvPath => known.layerOf(drvPath) ?? '');
  return known.layers
    .filter(layer => isShipped(layer) || built.has(layer.name))
    .map(layer => planLayer(layer, built.get(layer.name) ?? [], known));
}

function planLayer(layer: RecipeLayer, built: readonly string[], known: Known): PlannedLayer {
  const found = stateOf(layer, known);
  const state = found === 'open' && built.length > 0 ? 'build' : found;
  const isSent = isShipped(layer) && state !== 'registry';
  return {
    name: layer.name,
    state,
    ...(isSent ? { send: bytesToSend(layer, known) } : {}),
    derivations: built.map(drvPath => {
      const seconds = known.timeOf(drvPath);
      return {
        name: storeName(drvPath),
        derivation: drvPath,
        ...(seconds === undefined ? {} : { seconds }),
      };
    }),
  };
}

/** Where most has to be done: that is what the layer's time will be spent on. */
function stateOf(
  layer: RecipeLayer,
  { reused, needed, here, needs }: Known,
): PlannedLayer['state'] {
  if (reused.has(layer.name)) return 'registry';
  const targets = targetsOf(layer).filter(
    ({ outPath }) => needed.has(outPath) && !here.has(outPath),
  );
  const [built, fetched] = [new Set(needs?.built), new Set(needs?.fetched)];
  if (targets.some(({ drvPath }) => built.has(drvPath))) return 'build';
  if (targets.some(({ outPath }) => fetched.has(outPath))) return 'cache';
  return targetsOf(layer).some(({ outPath }) => here.has(outPath)) && targets.length === 0
    ? 'store'
    : 'open';
}

/** Of several targets those that are needed are those whose blobs are not there. */
function bytesToSend(layer: RecipeLayer, known: Known): ForecastBytes {
  const isNeeded = ({ outPath }: DerivationOutput) => known.needed.has(outPath);
  return sizeToSend(layer, targetsOf(layer).filter(isNeeded), known);
}
