import { jsonValue } from '../../host/foreign-value.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { BuildRecord } from '../../record/types.ts';
import type { MemoryPlace } from '../../registry/memory/place.ts';
import type { RememberedRecord } from '../../registry/remembered.ts';
import type { BuildState } from './state.ts';

/**
 * Reads the records of runs before this one, beside what the run does anyway: nobody has to wait for it.
 * The newest has come with the memory; only where another one is wanted, that one is asked for. Never
 * rejects.
 */
export async function readPrevious(
  own: Pick<MemoryPlace, 'record'> | undefined,
  { compareWith }: Pick<BuildSettings, 'compareWith'>,
  attribute: string | undefined,
  state: Pick<BuildState, 'previous' | 'newest'>,
): Promise<void> {
  if (own === undefined) return;
  const read = async (
    choose: (records: readonly RememberedRecord[]) => RememberedRecord | undefined,
  ) => {
    const text = await own.record(choose);
    if (text === undefined) return undefined;
    // loaded on use: what records may be is much, and a first build reads none
    const { readRecord } = await import('../../record/read.ts');
    return readRecord(jsonValue(text));
  };
  const keep = (name: 'previous' | 'newest') => (record: BuildRecord | undefined) => {
    if (record) state[name] = record;
  };
  await Promise.all([
    read(([newest]) => newest).then(keep('newest')),
    read(records => recordToCompare(records, compareWith, attribute)).then(keep('previous')),
  ]);
}

/** Records that are looked through for what the last ones do not know. */
const mostEarlier = 8;

/** The newest records of a memory, as far as they can be read. Never rejects. */
export async function readEarlier(own: Pick<MemoryPlace, 'record'>): Promise<BuildRecord[]> {
  const places = Array.from({ length: mostEarlier }, (_, at) => at);
  const texts = await Promise.all(places.map(at => own.record(records => records[at])));
  const { readRecord } = await import('../../record/read.ts');
  return texts.flatMap(text => (text === undefined ? [] : (readRecord(jsonValue(text)) ?? [])));
}

/**
 * The newest record of a run that made an image of this attribute, on the first of the branches that has
 * one; without branches, on any.
 */
export function recordToCompare(
  records: readonly RememberedRecord[],
  branches: readonly string[],
  attribute: string | undefined,
): RememberedRecord | undefined {
  const ofImage = records.filter(
    each => each.image !== undefined && (each.attribute ?? attribute) === attribute,
  );
  if (branches.length === 0) return ofImage[0];
  for (const branch of branches) {
    const last = ofImage.find(each => each.branch === branch);
    if (last) return last;
  }
  return undefined;
}
