import type { Origin } from '../../../host/events.ts';
import { isOfTargets, targetsOf } from '../../../nix/recipe-layers.ts';
import type { DerivationOutput, Evaluation, RecipeLayer } from '../../../nix/types.ts';
import { packagesOf } from '../../../record/packages.ts';
import type { LayerWork } from '../../../record/recorder.ts';
import type { BuildRecord, LayerRecord } from '../../../record/types.ts';
import type { LayerBlob } from '../../transfers.ts';

/** A layer of the image with its blobs, which may be none. */
export interface MadeLayer {
  name: string;
  target: DerivationOutput | null;
  origin: Origin;
  blobs: readonly LayerBlob[];
  /** Of a layer of several targets how many there are, and how many were reused. */
  targets?: { all: number; reused: number };
}

/** What is known of the layers of a run. */
interface KnownLayers {
  evaluation?: Evaluation;
  /** Those that are done, by name. */
  made: ReadonlyMap<string, MadeLayer>;
  /** What events told, by name. */
  works: ReadonlyMap<string, LayerWork>;
  outcome: BuildRecord['outcome'];
  /** Runs before, the best first, which know how long layers took that this one has not made. */
  before: readonly BuildRecord[];
}

/** What the record says of the layers, in the order of the recipe. */
export function layerRecords(known: KnownLayers): LayerRecord[] {
  const recipeLayers = new Map(known.evaluation?.recipe?.layers.map(each => [each.name, each]));
  const names = new Set([...recipeLayers.keys(), ...known.works.keys(), ...known.made.keys()]);
  return [...names].map(name => layerRecord(name, recipeLayers.get(name), known));
}

function layerRecord(
  name: string,
  layer: RecipeLayer | undefined,
  { made: allMade, works, outcome, before }: KnownLayers,
): LayerRecord {
  const made = allMade.get(name);
  const work = works.get(name);
  const target = (layer && !isOfTargets(layer) ? layer : undefined) ?? made?.target;
  const origin = made?.origin ?? originOfUnfinished(layer, work, outcome);
  const blobs = made?.blobs ?? [];
  const paths = blobs.flatMap(blob => blob.paths);
  const seconds = work?.seconds ?? 0;
  const lastMade = lastMaking(name, before);
  const isWhole = (made?.targets?.reused ?? 0) === 0;
  return {
    name,
    target: target?.drvPath ?? null,
    outPath: target?.outPath ?? null,
    origin,
    ...(made?.targets ? { targets: made.targets } : {}),
    seconds,
    ...makingTime(origin, isWhole ? seconds : undefined, lastMade),
    builtDerivations: work?.builtDerivations ?? [],
    substitutedPaths: work?.substitutedPaths ?? [],
    downloadBytes: work?.downloadBytes ?? 0,
    readBytes: work?.readBytes ?? 0,
    packedBytes: work?.packedBytes ?? 0,
    sentBytes: work?.sentBytes ?? 0,
    ...(paths.length > 0 ? { packages: packagesOf(paths) } : {}),
    blobs: blobs.map(({ digest, diffId, size, uncompressedSize, mediaType, transfer }) => {
      return { digest, diffId, size, uncompressedSize, mediaType, transfer };
    }),
  };
}

/** The time that the first of the runs knows for a layer. */
const lastMaking = (name: string, before: readonly BuildRecord[]) =>
  before
    .flatMap(({ layers }) => layers.filter(layer => layer.name === name))
    .find(({ makingSeconds }) => makingSeconds !== undefined)?.makingSeconds;

/** What was here before the run was made by one before it, which knows how long that took. */
function makingTime(
  origin: Origin,
  now: number | undefined,
  lastMade: number | undefined,
): Pick<LayerRecord, 'makingSeconds'> {
  const isMade = origin === 'built' || origin === 'substituted';
  const seconds = (isMade ? now : lastMade) ?? (origin === 'local' ? now : lastMade);
  return seconds === undefined ? {} : { makingSeconds: seconds };
}

/** Why a layer was not finished; a target of it may have been built all the same. */
function originOfUnfinished(
  layer: RecipeLayer | undefined,
  work: LayerWork | undefined,
  outcome: BuildRecord['outcome'],
): Origin {
  if (work?.failed) return 'failed';
  if (work?.origin && !work.sending) return work.origin;
  if (outcome !== 'success') {
    if (work?.sending || isUnderWay(work)) return 'cancelled';
    if (isTargetBuilt(layer, work)) return 'built';
    if (work?.planned?.reused) return 'reused';
    const isShipped = work?.planned?.shipped ?? layer?.image ?? true;
    return isShipped ? 'cancelled' : 'skipped';
  }
  return isTargetBuilt(layer, work) ? 'built' : 'skipped';
}

const isUnderWay = (work: LayerWork | undefined) =>
  work?.builtDerivations.some(({ ended }) => ended === 'cancelled') ?? false;

function isTargetBuilt(layer: RecipeLayer | undefined, work: LayerWork | undefined): boolean {
  const drvPaths = (layer ? targetsOf(layer) : []).map(({ drvPath }) => drvPath);
  return work?.builtDerivations.some(({ derivation }) => drvPaths.includes(derivation)) ?? false;
}

/** What making the reused layers took when they were last made; nothing where one is not known. */
export function savedTime(layers: readonly LayerRecord[]): Pick<BuildRecord, 'savedSeconds'> {
  const reused = layers.filter(({ origin, blobs }) => origin === 'reused' && blobs.length > 0);
  const times = reused.flatMap(({ makingSeconds }) => makingSeconds ?? []);
  if (times.length === 0 || times.length < reused.length) return {};
  const sum = times.reduce((all, seconds) => all + seconds, 0);
  return { savedSeconds: Math.round(sum * 1000) / 1000 };
}
