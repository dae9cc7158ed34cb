import { type Choice, chooseAll, type Gap } from '../../wheels/choose.ts';
import type { Want } from '../../wheels/listings.ts';
import { pinOf } from '../../wheels/lock.ts';
import { metadataOf } from '../../wheels/metadata.ts';
import { describeVariant } from '../../wheels/variant.ts';
import { anyVersion } from '../../wheels/wanted/wheel.ts';
import type { Asking } from './asking.ts';
import { directFile } from './file.ts';
import { askPages } from './pages.ts';
import type { PrefetchRun } from './run.ts';

/** What came of the wheels of a variant. */
export type Results = (Choice | Gap)[];

/**
 * The wheels of variants in which every version is pinned with `==`, by the indexes and releases: nobody
 * has to choose more than the file.
 */
export async function findExact(
  askings: readonly Asking[],
  run: PrefetchRun,
): Promise<ReadonlyMap<Asking, Results>> {
  const wants = askings.flatMap(asking => wantsOf(asking, run));
  const listings = await askPages(wants, run);
  const found = chooseAll(wants, listings, each => pinOf(run.before, each, 'torch')?.version);
  const byVariant = Map.groupBy(found, ({ variant }) => describeVariant(variant));
  return new Map(
    askings.map(asking => {
      const { variant, locked, isWhole } = asking;
      const results = [
        ...locked,
        ...directFiles(asking),
        ...(byVariant.get(describeVariant(variant)) ?? []),
      ];
      return [asking, isWhole ? results.map(withMetadata) : results] as const;
    }),
  );
}

function wantsOf({ variant, rules, asked }: Asking, { wanted }: PrefetchRun): Want[] {
  const ruled = new Set(rules.map(({ name }) => name));
  const unruled = asked.filter(({ name, url }) => url === undefined && !ruled.has(name));
  const listed = unruled.map(({ name, versions }) => ({
    ...anyVersion(name, wanted.packageIndex(variant)),
    versions,
  }));
  return [...rules, ...listed].map(wheel => ({ variant, wheel }));
}

const directFiles = ({ variant, asked }: Asking): Choice[] =>
  asked.flatMap(each => (each.url === undefined ? [] : directFile(each, each.url, variant)));

/** All that a wheel requires has to be known. */
export function withMetadata<Result extends Choice | Gap>(result: Result): Result {
  if (result.kind !== 'chosen') return result;
  const { file } = result;
  return { ...result, file: { ...file, metadata: file.metadata ?? metadataOf(file.url) } };
}
