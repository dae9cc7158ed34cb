import { Failure, orElse } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { limits } from '../../host/limits.ts';
import { findManifest } from '../../image/oci/documents.ts';
import type { ReportSettings } from '../../inputs/settings.ts';
import { formatOf } from '../../registry/memory/artifact.ts';
import { newestMemories } from '../../registry/memory/numbered.ts';
import type { RememberedRecord } from '../../registry/remembered.ts';
import type { ImageStore } from '../../registry/store.ts';
import { recordToCompare } from '../build/previous.ts';
import { thisMachine } from '../copy/source.ts';
import { openPlace, type RunPlace } from './place.ts';
import type { RecordedRun } from './recorded-run.ts';
import { type KeptRecord, readRecords, recordsAt } from './records.ts';

/**
 * The run that an image was made by, of those that memories in its repository have records of; the last
 * of all where no tag is said. Rejects with a {@link Failure} where there is none.
 */
export async function runInRegistry(settings: ReportSettings, host: Host): Promise<RecordedRun> {
  const place = openPlace(settings, host);
  const { store } = place;
  try {
    const { tags, digest } = await whereToLook(place);
    const memories = await Promise.all(tags.map(tag => recordsAt(store, tag)));
    const found =
      digest === undefined
        ? await lastRun(store, memories)
        : await runOfImage(store, memories, digest);
    if (found !== undefined) return found;
    throw new Failure(`No run of ${settings.run} is on record.`, {
      tried:
        tags.length === 0
          ? 'Looked for a memory in its repository.'
          : `Looked at ${tags.join(', ')}.`,
      next: 'Name the tag at which its memory is (cache-tag of the build), or the file of a record.',
    });
  } finally {
    await store.close();
  }
}

/** Tags of memories, and the image whose run is looked for there; undefined: the last one. */
async function whereToLook(place: RunPlace): Promise<{ tags: string[]; digest?: string }> {
  const { store, at } = place;
  if (at === undefined) return { tags: await memoriesIn(place) };
  const name = `${store.repository}:${at}`;
  const found = await findManifest(store, at, thisMachine, name);
  if (typeof found === 'string') {
    throw new Failure(`There is nothing at ${name}.`, { next: 'Check the name and the tag.' });
  }
  if (formatOf(found.manifest) !== undefined) return { tags: [at] };
  return { tags: await memoriesIn(place), digest: found.stored.digest };
}

/** Tags that memories have by default; those that name the tag that is asked for come first. */
async function memoriesIn({ at = '', tags }: RunPlace): Promise<string[]> {
  const found = newestMemories(await orElse(tags(), []), tag => /^cache-.+-[a-z0-9]+$/.test(tag));
  const isNear = (tag: string) => Number(tag.includes(`-${at}-`));
  return found
    .sort((one, other) => isNear(other.first) - isNear(one.first))
    .slice(0, limits.variantMemories)
    .map(({ newest }) => newest);
}

type Records = readonly RememberedRecord[];

async function runOfImage(
  store: ImageStore,
  memories: readonly Records[],
  digest: string,
): Promise<RecordedRun | undefined> {
  for (const records of memories) {
    const at = records.findIndex(({ image }) => image === digest);
    const kept = at < 0 ? [] : await readRecords(store, records.slice(at));
    if (kept[0]?.about === records[at]) return recordedRun(kept);
  }
  return undefined;
}

async function lastRun(
  store: ImageStore,
  memories: readonly Records[],
): Promise<RecordedRun | undefined> {
  const newest = await Promise.all(
    memories.map(records => readRecords(store, records.slice(0, 1))),
  );
  const startOf = (at: number) => newest[at]?.[0]?.record.startedAt ?? '';
  const [last = 0] = [...memories.keys()].sort((a, b) => (startOf(a) < startOf(b) ? 1 : -1));
  return recordedRun(await readRecords(store, memories[last] ?? []));
}

/** The first of them, with those before it; it is compared with the last one of its branch. */
function recordedRun([first, ...before]: readonly KeptRecord[]): RecordedRun | undefined {
  if (first === undefined) return undefined;
  const { branch, attribute } = first.about;
  const records = before.map(({ about }) => about);
  const compared = recordToCompare(records, branch === undefined ? [] : [branch], attribute);
  return {
    record: first.record,
    previous: before.find(({ about }) => about === compared)?.record,
    earlier: before.map(({ record }) => record),
  };
}
