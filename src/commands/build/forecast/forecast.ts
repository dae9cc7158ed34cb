import { attributable, attribute } from '../../../nix/attribution.ts';
import { type DerivationGraph, readDerivationGraph } from '../../../nix/derivation.ts';
import type { ListedNeeds } from '../../../nix/disk-needs.ts';
import { isShipped, layersOf, namedTargets } from '../../../nix/recipe-layers.ts';
import type { RecipeLayer } from '../../../nix/types.ts';
import type {
  BuildRecord,
  Forecast,
  ForecastBytes,
  ImagePlan,
  PlannedLayer,
} from '../../../record/types.ts';
import type { ImageContext } from '../context.ts';
import type { Plan } from '../plan.ts';
import { readEarlier } from '../previous.ts';
import { type Known, planLayers } from './layers.ts';
import { lastSize, noBytes, sizeOfLayer, sumOfBytes } from './sizes.ts';
import { longestChain, ratesIn, type TimeOf, timesIn } from './times.ts';

/** What a run would do for an image, as far as a build has to know it. */
export type RunForecast = Pick<ImagePlan, 'layers' | 'forecast'>;

/** What has to be made: of another tool's image nothing is said of a layer of links. */
export type WhatToMake = Pick<Plan, 'needed' | 'reused' | 'blobs'> & Partial<Pick<Plan, 'root'>>;

/**
 * Foresees what a run will do. Nothing is asked but the store's derivations of what is built, and, where
 * the last records do not know how long one takes, those before them. Rejects with a `Failure`.
 * @param needs what Nix says; undefined where it could not
 */
export async function foresee(
  context: ImageContext,
  plan: WhatToMake,
  needs: ListedNeeds | undefined,
): Promise<RunForecast> {
  const { evaluation, state, knowledge, here } = context;
  const layers = layersOf(evaluation);
  await state.earlier;
  const builds = new Set(needs?.built);
  const graph: DerivationGraph =
    builds.size === 0
      ? new Map()
      : await readDerivationGraph(
          plan.needed.map(({ drvPath }) => drvPath),
          context.nix.place,
        );
  const made = pathsMade(graph, layers, context);
  const records = await recordsFor(builds, context);
  const known: Known = {
    layers,
    reused: plan.reused,
    needed: new Set(plan.needed.map(({ outPath }) => outPath)),
    here: new Set(here?.keys()),
    needs,
    layerOf: attribute(graph, attributable(namedTargets(layers), plan.needed)).layerOf,
    timeOf: timesIn(records),
    record: state.previous,
    images: knowledge.images,
    isMade: path => made.has(path),
  };
  const planned = planLayers(known);
  const times = { records, graph, timeOf: known.timeOf };
  const unknown = context.settings.unknownBuildTime;
  return { layers: planned, forecast: totals(planned, { known, plan, context, times, unknown }) };
}

/** Store paths that derivations make or take, and those that targets which are remembered hold. */
function pathsMade(
  graph: DerivationGraph,
  layers: readonly RecipeLayer[],
  { knowledge }: ImageContext,
): ReadonlySet<string> {
  return new Set([
    ...[...graph.values()].flatMap(({ outputs, inputSrcs }) => [...outputs.values(), ...inputSrcs]),
    ...namedTargets(layers).flatMap(({ outPath }) => knowledge.closureOf(outPath) ?? []),
  ]);
}

/** The last records; those before them as well where they do not know how long something takes. */
async function recordsFor(
  builds: ReadonlySet<string>,
  { state, own }: ImageContext,
): Promise<readonly BuildRecord[]> {
  const last = [state.previous, state.newest].filter(record => record !== undefined);
  const timeOf = timesIn(last);
  const isKnown = [...builds].every(drvPath => timeOf(drvPath) !== undefined);
  return isKnown || own === undefined ? last : [...last, ...(await readEarlier(own))];
}

interface TotalInputs {
  known: Known;
  plan: WhatToMake;
  context: ImageContext;
  times: { records: readonly BuildRecord[]; graph: DerivationGraph; timeOf: TimeOf };
  /** Seconds that count for a build of which no record tells. */
  unknown: number;
}

function totals(planned: readonly PlannedLayer[], inputs: TotalInputs): Forecast {
  const { known, plan, times } = inputs;
  const { needs } = known;
  const isOfImage = new Set(known.layers.filter(isShipped).map(({ name }) => name));
  const shipped = planned.filter(({ name }) => isOfImage.has(name));
  const send = sumOfBytes([
    ...shipped.map(layer => layer.send ?? noBytes),
    rootToSend(plan, known),
  ]);
  const pull = bytesToPull(shipped, inputs);
  const toMake = shipped.filter(({ state }) => state !== 'registry');
  const builds = needs?.built ?? [];
  return {
    layers: shipped.length,
    layersToMake: toMake.length,
    ...(needs ? { builds: needs.builds, fetchBytes: needs.downloadBytes } : {}),
    send,
    ...(pull ? { pull } : {}),
    ...(needs ? { diskBytes: needs.unpackedBytes + builtBytes(toMake, known) } : {}),
    ...(needs ? { seconds: expectedSeconds(needs, send, inputs) } : {}),
    unknownTimes: builds.filter(drvPath => times.timeOf(drvPath) === undefined).length,
  };
}

/** The layer of links, which a recipe's image has besides. */
const rootToSend = ({ root }: WhatToMake, { record }: Known): ForecastBytes =>
  root === undefined || root.blob ? noBytes : sizeOfLayer('root', record);

/** What the image that the first tag names now, or the last one, does not have; undefined where there is none. */
function bytesToPull(
  planned: readonly PlannedLayer[],
  { plan, known, context }: TotalInputs,
): ForecastBytes | undefined {
  const present = context.tagged[0]?.layers ?? known.record?.layers.flatMap(({ blobs }) => blobs);
  if (present === undefined) return undefined;
  const there = new Set(present.map(({ digest }) => digest));
  const reused = [...plan.blobs.values(), plan.root?.blob ? [plan.root.blob] : []].flat();
  const pulled = new Map(reused.map(({ digest, size }) => [digest, size]));
  for (const digest of there) pulled.delete(digest);
  const kept = { ...noBytes, bytes: [...pulled.values()].reduce((sum, size) => sum + size, 0) };
  return sumOfBytes([
    kept,
    ...planned.map(layer => layer.send ?? noBytes),
    rootToSend(plan, known),
  ]);
}

/** What is built takes room that Nix cannot know: as much as last time. */
const builtBytes = (planned: readonly PlannedLayer[], { record }: Known): number =>
  planned
    .filter(({ state }) => state === 'build')
    .reduce((sum, { name }) => sum + (lastSize(name, record, 'uncompressedSize') ?? 0), 0);

function expectedSeconds(
  { built, downloadBytes }: ListedNeeds,
  send: ForecastBytes,
  { times, unknown }: TotalInputs,
): number {
  const rates = ratesIn(times.records);
  const takes = (bytes: number, rate: number | undefined) => (rate ? bytes / rate : 0);
  const chain = longestChain(new Set(built), times.graph, times.timeOf, unknown);
  const all = chain + takes(downloadBytes, rates.fetch) + takes(send.bytes, rates.send);
  return Math.round(all * 10) / 10;
}
