import { resolve } from 'node:path';
import type { Host } from '../../host/host.ts';
import { checkOutput, writeOutput } from '../../host/output-file.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { recordText } from '../../record/text.ts';
import type { BuildRecord } from '../../record/types.ts';
import { localPlace } from '../../registry/reference.ts';
import { layersOutput, timingsOutput } from '../../report/layers.ts';
import { auditOutputs } from '../audit/shared.ts';
import type { AfterState, BuildOutcome } from '../outcome.ts';
import { imageOutputs } from './image-outputs.ts';
import { buildRecord } from './record/build-record.ts';
import { limitRecords } from './run-limits.ts';
import type { BuildState } from './state.ts';

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
