import { explain } from '../../../host/failure.ts';
import type { Host } from '../../../host/host.ts';
import { mediaTypes } from '../../../image/types.ts';
import type { BuildSettings } from '../../../inputs/settings.ts';
import { program } from '../../../record/program.ts';
import type { BuildRecord, LayerRecord } from '../../../record/types.ts';
import { originOfImage } from '../image-origin.ts';
import type { BuildState } from '../state.ts';
import { layerRecords, savedTime } from './layer-records.ts';
import { placeRecords } from './place-records.ts';

/** The record of a build as far as it has come; `error`: what has ended it. */
export function buildRecord(
  state: BuildState,
  settings: BuildSettings,
  error: unknown,
): BuildRecord {
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
