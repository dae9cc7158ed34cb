import type { RunContext } from '../context.ts';
import { variantMark } from '../destination.ts';
import { parse } from '../parse.ts';
import type { BuildSettings, PlanSettings, WhySettings } from '../settings.ts';
import { inputsOf, type RawInputs } from '../table.ts';
import { badInput } from '../values.ts';
import { parseBuild } from './build.ts';

/**
 * Reads the inputs of the verb `plan`: those of a build, of which nothing is done.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parsePlan(raw: RawInputs, context: RunContext): PlanSettings {
  const marked = { ...raw, tags: (raw.tags ?? '').replaceAll(variantMark, markAsTag) };
  const { flakes, flake, exitCode, variants, includeUnchanged } = parse('plan', marked);
  const named = [...new Set([...(flake === undefined ? [] : [flake]), ...flakes])];
  const isOfVariants = variants.length > 0;
  if (isOfVariants && named.length > 1) throw severalFlakes(named);
  const build = buildThatWritesNothing('plan', isOfVariants ? marked : raw, context);
  return {
    ...build,
    tags: build.tags.map(tag => tag.replaceAll(markAsTag, variantMark)),
    flakes: named.length === 0 ? [undefined] : named,
    ...(isOfVariants ? { variants: { patterns: patternsOf(variants) } } : {}),
    includeUnchanged,
    exitCode,
  };
}

/** What stands for a variant is no text that a tag can have: this one is, until tags were read. */
const markAsTag = '__variant__';

const patternsOf = (variants: readonly string[]) => {
  if (variants.length > 1 && variants.includes('auto')) {
    throw badInput('variants', '`auto` stands alone.', 'Leave it out, or leave out the names.');
  }
  return variants[0] === 'auto' ? undefined : variants;
};

const severalFlakes = (flakes: readonly string[]) =>
  badInput(
    'variants',
    `they are those of one flake; there are ${flakes.length}: ${flakes.join(', ')}.`,
    'Name one of them, or all images in `flakes`.',
  );

/**
 * Reads the inputs of the verb `why`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseWhy(raw: RawInputs, context: RunContext): WhySettings {
  const { layer } = parse('why', raw);
  return { ...buildThatWritesNothing('why', raw, context), layer };
}

function buildThatWritesNothing(
  verb: 'plan' | 'why',
  raw: RawInputs,
  context: RunContext,
): BuildSettings {
  const read = inputsOf(verb).map(({ name }) => [name, raw[name]]);
  return parseBuild({ ...Object.fromEntries(read), 'dry-run': 'true' }, context);
}
