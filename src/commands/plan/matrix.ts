import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import type { Recipe } from '../../nix/types.ts';

/** A variant of which it is known what a build would do. */
export interface PlannedVariant {
  /** As the inputs of a build take them. */
  flake: string;
  image: string | undefined;
  /** Where it goes. */
  repository: string;
  tags: readonly string[];
  /** What the variant is called among the others. */
  variant: string;
  /** What its recipe adds to its row. */
  fields: Recipe['matrix'];
  /** Undefined: that is not known. */
  upToDate: boolean | undefined;
}

/** What a job's `strategy.matrix` takes: a job for each row. */
interface Matrix {
  include: Record<string, string>[];
}

/**
 * The matrix of the jobs that have something to do: a row for each variant that is not known to be up to
 * date. Throws a `Failure` for more rows than GitHub makes jobs of, and for two variants that are one
 * to whoever sees their tags.
 */
export function matrixOf(variants: readonly PlannedVariant[], includeUnchanged: boolean): Matrix {
  refuseSharedTags(variants);
  const wanted = variants.filter(({ upToDate }) => includeUnchanged || upToDate !== true);
  if (wanted.length > limits.matrixJobs) throw tooMany(wanted.length);
  return { include: wanted.map(rowOf) };
}

/** The same, or why there can be none. */
export function tryMatrix(
  variants: readonly PlannedVariant[],
  includeUnchanged: boolean,
): { matrix?: Matrix; refusal?: Failure } {
  try {
    return { matrix: matrixOf(variants, includeUnchanged) };
  } catch (refusal) {
    if (refusal instanceof Failure) return { refusal };
    throw refusal;
  }
}

const rowOf = ({ flake, image = '', tags, variant, fields }: PlannedVariant) => ({
  ...fields,
  flake,
  image,
  tags: tags.join('\n'),
  variant,
});

function refuseSharedTags(variants: readonly PlannedVariant[]): void {
  const seen = new Map<string, string>();
  for (const { flake, repository, tags } of variants) {
    for (const tag of tags.map(each => `${repository}:${each}`)) {
      const before = seen.get(tag);
      if (before === undefined) seen.set(tag, flake);
      else throw sharedTag(tag, before, flake);
    }
  }
}

const sharedTag = (tag: string, one: string, other: string) =>
  new Failure(`${one} and ${other} would both be called ${tag}.`, {
    tried: 'The tags of all variants were compared.',
    next: 'Give each recipe a `tag` of its own, or leave one of them out of `variants`.',
  });

const tooMany = (rows: number) =>
  new Failure(
    `${rows} variants have something to be done for, and GitHub makes at most ${limits.matrixJobs} jobs of a matrix.`,
    { next: 'Name fewer in `variants`, and the others in another plan.' },
  );
