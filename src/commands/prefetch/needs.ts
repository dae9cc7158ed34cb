import { Failure } from '../../host/failure.ts';
import { readLines } from '../../wheels/lists/read.ts';
import type { SourcePin } from '../../wheels/lock.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import { normalizeName } from '../../wheels/wheel-name.ts';
import type { VariantLists } from './lists.ts';
import type { PrefetchRun } from './run.ts';
import type { SourcePins } from './sources.ts';

/**
 * A run whose lists ask for what its sources require as well, and for what building them takes where that is
 * not nixpkgs'.
 * @throws Failure that names each line of a source that cannot be taken
 */
export function withNeeds(run: PrefetchRun, pins: SourcePins): PrefetchRun {
  const byName = new Map(Object.entries(pins).map(([name, pin]) => [normalizeName(name), pin]));
  const byVariant = new Map(
    run.wanted.variants.map(each => [describeVariant(each), listsOf(each, byName, run)]),
  );
  const problems = new Set([...byVariant.values()].flatMap(lists => lists.problems));
  if (problems.size > 0) {
    throw new Failure('Sources require what cannot be taken. The lock was left as it is.', {
      evidence: [...problems],
      next:
        'Pin another revision; or write the source as [sources.NAME] with url and ref, and what it ' +
        'requires into a list of yours.',
    });
  }
  return { ...run, lists: each => byVariant.get(describeVariant(each)) ?? run.lists(each) };
}

function listsOf(
  variant: Variant,
  byName: ReadonlyMap<string, SourcePin>,
  run: PrefetchRun,
): VariantLists {
  const lists = run.lists(variant);
  const found = { ...lists, requirements: [...lists.requirements], sources: [...lists.sources] };
  const open = [...run.wanted.sources, ...lists.sources].map(({ name }) => normalizeName(name));
  const seen = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const { requires = [], buildRequires = [] } = byName.get(name) ?? {};
    const lines = [...requires, ...(lists.buildsByWheels ? buildRequires : [])];
    const { requirements, sources, problems } = readLines(lines, name, variant);
    found.requirements.push(...requirements);
    found.sources.push(...sources);
    found.problems = [...found.problems, ...problems];
    open.push(...sources.map(source => source.name));
  }
  return { ...found, any: lists.any || found.requirements.length > 0 };
}
