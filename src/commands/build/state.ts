import { resolve } from 'node:path';
import type { AuditSubject } from '../../audit/subject.ts';
import type { GithubCache } from '../../caches/github-cache.ts';
import type { ProgressEvent } from '../../host/events.ts';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { checkOutput, writeOutput } from '../../host/output-file.ts';
import { mediaTypes } from '../../image/types.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { type Closures, startClosures } from '../../nix/closures.ts';
import type { DiskPeak, DiskWatch } from '../../nix/disk-space.ts';
import type { Evaluation, Nix } from '../../nix/types.ts';
import type { AuditRecord } from '../../record/audit.ts';
import { program } from '../../record/program.ts';
import { recordEvents } from '../../record/recorder.ts';
import { recordText } from '../../record/text.ts';
import type {
  BuildRecord,
  FlakeInput,
  Forecast,
  LayerRecord,
  LimitRecord,
  WhyRecord,
} from '../../record/types.ts';
import { localPlace } from '../../registry/reference.ts';
import type { StoredManifest } from '../../registry/store.ts';
import { layersOutput, timingsOutput } from '../../report/layers.ts';
import type { KeptDerivations } from '../../why/kept.ts';
import { auditOutputs } from '../audit/shared.ts';
import type { AfterState, BuildOutcome, VerbOutcome } from '../outcome.ts';
import type { BuildCaches, CacheOutcome } from './caches.ts';
import type { Destination } from './destination.ts';
import { originOfImage, type SeenSource } from './image-origin.ts';
import { imageOutputs } from './image-outputs.ts';
import { layerRecords, type MadeLayer, savedTime } from './record/layer-records.ts';
import { placeRecords } from './record/place-records.ts';
import { limitRecords } from './run-limits.ts';

export type { MadeLayer };

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
  /** The commit that the flake is of, and what is known of it. */
  seen: SeenSource;
  destination?: Destination;
  /** What the store has said of its paths. */
  closures: Closures;
  /** Layers that are done, by name. */
  made: Map<string, MadeLayer>;
  manifest?: StoredManifest;
  /** Tags that move while the record is written into the memory, which tells of them all the same. */
  movingTags?: string[];
  /** What the flake's lock file names. */
  inputs?: FlakeInput[];
  /** What a run that does not push would send. */
  wouldPush?: BuildRecord['wouldPush'] | undefined;
  /** Records of earlier runs are being read, as far as they are wanted; never rejects. */
  earlier?: Promise<void>;
  /** The record that this run is compared with, as soon as it is read. */
  previous?: BuildRecord;
  /** The newest record of this image, of whatever branch. */
  newest?: BuildRecord;
  /** What is to be kept of the image's derivations; undefined where nothing new is made, or they cannot be read. */
  kept?: Promise<KeptDerivations | undefined>;
  /** What the run was expected to do, as soon as that is known. */
  predicted?: Forecast;
  /** Why layers are made anew, as soon as that is known. */
  why?: WhyRecord;
  /** The limits as they were found when the image was refused for them. */
  limits?: LimitRecord[];
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
    seen: {},
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
  const { limits: wanted } = settings;
  const run = buildRecord(state, settings, error);
  const limits = state.limits ?? limitRecords(wanted, run, state.previous);
  const record = { ...run, ...(limits.length > 0 ? { limits } : {}) };
  const { image } = record;
  return {
    record,
    ...(state.previous ? { previous: state.previous } : {}),
    outputs: {
      name: image?.repository ?? '',
      ...(image?.digest === undefined
        ? {}
        : { digest: image.digest, ref: `${image.repository}@${image.digest}` }),
      tags: image?.tags ?? [],
      ...imageOutputs(record, state.manifest),
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
  const { nix, evaluation, recorder, host, startedAt, made } = state;
  const { layers: works, movedTags, ...events } = recorder.result(host.clock());
  const outcome = outcomeWord(error, host);
  const before = [state.previous, state.newest].filter(record => record !== undefined);
  const layers = layerRecords({
    ...(evaluation ? { evaluation } : {}),
    made,
    works,
    outcome,
    before,
  });
  const image = imageRecord(state, settings, layers, state.movingTags ?? movedTags);
  const { seconds, phases, spans, spansLeftOut, substituters, warnings, ...bytes } = events;
  return {
    version: 2,
    outcome,
    ...(error === undefined ? {} : { failure: explain(error) }),
    ...(settings.pushRefusal === undefined ? {} : { notPushed: settings.pushRefusal }),
    ...(settings.cacheRefusal === undefined ? {} : { notCached: settings.cacheRefusal }),
    ...(state.wouldPush ? { wouldPush: state.wouldPush } : {}),
    ...originRecord(state, settings),
    startedAt: new Date(startedAt).toISOString(),
    seconds,
    program: `${program.name} ${program.version}`,
    nix: { version: nix?.version ?? '', system: evaluation?.system ?? '' },
    node: process.version,
    flake: evaluation?.installable ?? settings.flake ?? '',
    ...(state.inputs ? { inputs: state.inputs } : {}),
    ...(image ? { image } : {}),
    layers,
    phases,
    spans,
    ...(spansLeftOut ? { spansLeftOut } : {}),
    ...savedTime(layers),
    ...bytes,
    ...(state.predicted ? { predicted: state.predicted } : {}),
    ...(state.why ? { why: state.why } : {}),
    usage: usageRecord(),
    ...placeRecords(state, substituters),
    warnings,
    ...(state.audit && settings.audit ? { audit: state.audit } : {}),
  };
}

/** Whoever interrupts a run has not seen it fail, whatever that does to what is under way. */
function outcomeWord(error: unknown, { signal }: Host): BuildRecord['outcome'] {
  if (error === undefined) return 'success';
  return signal?.aborted ? 'cancelled' : 'failure';
}

/** What the run was for, and where it can be looked up. */
function originRecord({ evaluation, run, host, seen }: BuildState, settings: BuildSettings) {
  const { commit, branch, event } = evaluation
    ? originOfImage(evaluation, settings, host.env, seen)
    : { commit: undefined, branch: host.env.GITHUB_REF_NAME, event: settings.event };
  return {
    ...(run ? { run } : {}),
    ...(branch ? { branch } : {}),
    ...(commit ? { commit } : {}),
    ...(event ? { event } : {}),
  };
}

/** What this program has needed by now. */
function usageRecord(): NonNullable<BuildRecord['usage']> {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return {
    memory: maxRSS * 1024,
    cpuSeconds: Math.round((userCPUTime + systemCPUTime) / 1e3) / 1e3,
  };
}

function imageRecord(
  { destination, manifest }: BuildState,
  settings: BuildSettings,
  layers: readonly LayerRecord[],
  movedTags: string[],
): BuildRecord['image'] {
  if (destination === undefined) return undefined;
  const blobs = layers.flatMap(layer => layer.blobs);
  return {
    repository: destination.store.repository,
    ...(manifest ? { digest: manifest.digest } : {}),
    tags: settings.push && manifest ? [...destination.tags] : [],
    movedTags,
    mediaType: mediaTypes.manifest,
    size: blobs.reduce((sum, blob) => sum + blob.size, 0),
    uncompressedSize: blobs.reduce((sum, blob) => sum + blob.uncompressedSize, 0),
  };
}
