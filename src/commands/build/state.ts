import { resolve } from 'node:path';
import type { AuditSubject } from '../../audit/subject.ts';
import type { GithubCache } from '../../caches/github-cache.ts';
import type { Origin, ProgressEvent } from '../../host/events.ts';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { checkOutput, writeOutput } from '../../host/output-file.ts';
import { mediaTypes } from '../../image/types.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { type Closures, startClosures } from '../../nix/closures.ts';
import type { DiskPeak, DiskWatch } from '../../nix/disk-space.ts';
import { isOfTargets, targetsOf } from '../../nix/recipe-layers.ts';
import type { DerivationOutput, Evaluation, Nix } from '../../nix/types.ts';
import type { AuditRecord } from '../../record/audit.ts';
import { program } from '../../record/program.ts';
import { recordEvents } from '../../record/recorder.ts';
import { recordText } from '../../record/text.ts';
import type { BuildRecord, LayerRecord } from '../../record/types.ts';
import { localPlace } from '../../registry/reference.ts';
import type { StoredManifest } from '../../registry/store.ts';
import { layersOutput, timingsOutput } from '../../report/layers.ts';
import { auditOutputs } from '../audit/shared.ts';
import type { AfterState, BuildOutcome, VerbOutcome } from '../outcome.ts';
import type { LayerBlob } from '../transfers.ts';
import type { BuildCaches, CacheOutcome } from './caches.ts';
import type { Destination } from './destination.ts';
import { placeRecords } from './place-records.ts';

/** A layer of the image with its blobs, which may be none. */
export interface MadeLayer {
  name: string;
  target: DerivationOutput | null;
  origin: Origin;
  blobs: readonly LayerBlob[];
  /** Of a layer of several targets how many there are, and how many were reused. */
  targets?: { all: number; reused: number };
}

/** How far a build has come: what its record is made of, whenever it ends. */
export interface BuildState {
  /** The caller's host; its events are recorded on the way. */
  host: Host;
  recorder: ReturnType<typeof recordEvents>;
  startedAt: number;
  /** Where this run can be looked up. */
  run: string | undefined;
  nix?: Nix;
  exports?: VerbOutcome['exports'];
  caches?: BuildCaches;
  /** Ends of builds that were there before the caches: of what the flake imports. */
  builtEarly: ProgressEvent[];
  /** What came of `caches` in the end. */
  cached?: CacheOutcome;
  github?: GithubCache;
  /** The name of this run's part of the machine's files. */
  part?: string;
  /** Sees how full file systems become, until the build ends. */
  diskWatch?: DiskWatch;
  /** How full file systems became. */
  disk?: DiskPeak[];
  /** What was removed to make room. */
  reclaimed: string[];
  evaluation?: Evaluation;
  /** Of the root of the flake's repository, as git names it. */
  tree?: string;
  destination?: Destination;
  /** What the store has said of its paths. */
  closures: Closures;
  /** Layers that are done, by name. */
  made: Map<string, MadeLayer>;
  manifest?: StoredManifest;
  /** What the audit reads, as long as it is not done. */
  auditSubject?: Promise<AuditSubject>;
  audit?: AuditRecord;
}

/** The state of a build that begins now. */
export function startState(host: Host): BuildState {
  const startedAt = host.clock();
  const recorder = recordEvents(startedAt);
  const state: BuildState = {
    host: {
      ...host,
      emit: event => {
        recorder.take(event);
        if (state.caches) state.caches.take(event);
        else if (event.type === 'build-end') state.builtEarly.push(event);
        state.github?.take(event);
        host.emit(event);
      },
    },
    recorder,
    builtEarly: [],
    startedAt,
    run: runAddress(host.env),
    reclaimed: [],
    closures: startClosures(),
    made: new Map(),
  };
  return state;
}

/** The web page of the workflow run, if this is one. */
function runAddress(env: Host['env']): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env;
  return server && repository && id ? `${server}/${repository}/actions/runs/${id}` : undefined;
}

/** What the build has come to; with an error, as far as it came. */
export function outcomeOf(
  state: BuildState,
  settings: BuildSettings,
  error?: unknown,
): BuildOutcome {
  const record = buildRecord(state, settings, error);
  const { image } = record;
  return {
    record,
    outputs: {
      name: image?.repository ?? '',
      ...(image?.digest === undefined
        ? {}
        : { digest: image.digest, ref: `${image.repository}@${image.digest}` }),
      tags: image?.tags ?? [],
      layers: layersOutput(record),
      timings: timingsOutput(record),
      ...(settings.recordFile === undefined ? {} : { record: settings.recordFile }),
      ...(state.audit ? auditOutputs(state.audit) : {}),
    },
    ...(state.exports ? { exports: state.exports } : {}),
    ...leftToDo(state, settings),
  };
}

/** What there is to do at the end of the job. */
function leftToDo(
  { github, nix, part }: BuildState,
  { caches, conf }: BuildSettings,
): Pick<BuildOutcome, 'after'> {
  const after: AfterState = {
    ...(github && nix && caches.github.save ? { github: github.state() } : {}),
    ...(part !== undefined && conf.place === 'job' ? { part } : {}),
  };
  return Object.keys(after).length === 0 ? {} : { after };
}

/** Says at once, and not after an hour of building, that a file that is asked for cannot be written. */
export async function checkOutputs({
  recordFile,
  image,
  workingDirectory,
}: BuildSettings): Promise<void> {
  if (recordFile !== undefined) await checkOutput(recordFile);
  const place = localPlace(image ?? '');
  if (place?.kind === 'docker-archive') await checkOutput(resolve(workingDirectory, place.path));
}

/** Writes the record where the user wants it, if anywhere. Rejects with a {@link Failure}. */
export async function writeRecord(
  record: BuildRecord,
  { recordFile }: BuildSettings,
  host: Host,
): Promise<void> {
  if (recordFile !== undefined) await writeOutput(recordFile, recordText(record), host);
}

function buildRecord(state: BuildState, settings: BuildSettings, error: unknown): BuildRecord {
  const { nix, evaluation, recorder, host, startedAt } = state;
  const events = recorder.result(host.clock());
  const layers = layerRecords(state, events.layers);
  const image = imageRecord(state, settings, layers);
  return {
    version: 1,
    outcome: error === undefined ? 'success' : 'failure',
    ...(error === undefined ? {} : { failure: explain(error) }),
    ...(settings.pushRefusal === undefined ? {} : { notPushed: settings.pushRefusal }),
    ...(settings.cacheRefusal === undefined ? {} : { notCached: settings.cacheRefusal }),
    startedAt: new Date(startedAt).toISOString(),
    seconds: events.seconds,
    program: `${program.name} ${program.version}`,
    nix: { version: nix?.version ?? '', system: evaluation?.system ?? '' },
    flake: evaluation?.installable ?? settings.flake ?? '',
    ...(image ? { image } : {}),
    layers,
    phases: events.phases,
    sentBytes: events.sentBytes,
    ...placeRecords(state, events.substituters),
    warnings: events.warnings,
    ...(state.audit && settings.audit ? { audit: state.audit } : {}),
  };
}

type RecordedLayers = ReturnType<BuildState['recorder']['result']>['layers'];

function layerRecords(state: BuildState, recorded: RecordedLayers): LayerRecord[] {
  const recipeLayers = new Map(state.evaluation?.recipe?.layers.map(each => [each.name, each]));
  const names = new Set([...recipeLayers.keys(), ...recorded.keys(), ...state.made.keys()]);
  return [...names].map(name => {
    const made = state.made.get(name);
    const layer = recipeLayers.get(name);
    const target = layer && !isOfTargets(layer) ? layer : undefined;
    const work = recorded.get(name);
    return {
      name,
      target: (target ?? made?.target)?.drvPath ?? null,
      outPath: (target ?? made?.target)?.outPath ?? null,
      origin: made?.origin ?? work?.origin ?? originOfWork(layer ? targetsOf(layer) : [], work),
      ...(made?.targets ? { targets: made.targets } : {}),
      seconds: work?.seconds ?? 0,
      builtDerivations: work?.builtDerivations ?? [],
      substitutedPaths: work?.substitutedPaths ?? [],
      downloadBytes: work?.downloadBytes ?? 0,
      blobs: (made?.blobs ?? []).map(
        ({ digest, diffId, size, uncompressedSize, mediaType, transfer }) => ({
          digest,
          diffId,
          size,
          uncompressedSize,
          mediaType,
          transfer,
        }),
      ),
    };
  });
}

/** Of a layer that was not finished: a target of it may have been built all the same. */
function originOfWork(
  targets: readonly DerivationOutput[],
  work: { builtDerivations: LayerRecord['builtDerivations'] } | undefined,
): Origin {
  const drvPaths = targets.map(({ drvPath }) => drvPath);
  const built = work?.builtDerivations.some(({ derivation }) => drvPaths.includes(derivation));
  return built ? 'built' : 'skipped';
}

function imageRecord(
  { destination, manifest }: BuildState,
  settings: BuildSettings,
  layers: readonly LayerRecord[],
): BuildRecord['image'] {
  if (destination === undefined) return undefined;
  const blobs = layers.flatMap(layer => layer.blobs);
  return {
    repository: destination.store.repository,
    ...(manifest ? { digest: manifest.digest } : {}),
    tags: settings.push && manifest ? [...destination.tags] : [],
    mediaType: mediaTypes.manifest,
    size: blobs.reduce((sum, blob) => sum + blob.size, 0),
    uncompressedSize: blobs.reduce((sum, blob) => sum + blob.uncompressedSize, 0),
  };
}
