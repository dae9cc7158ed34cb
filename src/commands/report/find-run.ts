import { isAbsolute, resolve } from 'node:path';
import { readDocument } from '../../host/document-file.ts';
import { Failure } from '../../host/failure.ts';
import { jsonValue } from '../../host/foreign-value.ts';
import type { Host } from '../../host/host.ts';
import { isNamed } from '../../host/presence.ts';
import type { ReportSettings } from '../../inputs/settings.ts';
import { readRecord } from '../../record/read.ts';
import type { BuildRecord } from '../../record/types.ts';
import type { RecordedRun } from './recorded-run.ts';
import { runInRegistry } from './registry-run.ts';

/**
 * Finds a run by what it is called: an OCI layout, a file that is there or is written like one, else an
 * image in a registry. Rejects with a {@link Failure} where there is no record of it.
 */
export async function findRun(settings: ReportSettings, host: Host): Promise<RecordedRun> {
  const { run, workingDirectory } = settings;
  const file = resolve(workingDirectory, run);
  const isWrittenAsFile = isAbsolute(run) || /^\.{1,2}\/|\.json$/.test(run);
  const isFile = isWrittenAsFile || (!run.startsWith('oci:') && (await isNamed(file)));
  return isFile ? { record: await fromFile(file), earlier: [] } : runInRegistry(settings, host);
}

async function fromFile(file: string): Promise<BuildRecord> {
  const text = await readDocument(file);
  if (text === undefined) {
    throw new Failure(`${file} is not there.`, {
      next: 'Give the file that the input record of a build wrote, or an image in a registry.',
    });
  }
  const record = readRecord(jsonValue(text));
  if (record !== undefined) return record;
  throw new Failure(`${file} is no record of a run that this program can read.`, {
    next: 'It reads what the input record of a build writes: docs/record.schema.json says how that looks.',
  });
}
