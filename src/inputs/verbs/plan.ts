import type { RunContext } from '../context.ts';
import { parse } from '../parse.ts';
import type { BuildSettings, PlanSettings, WhySettings } from '../settings.ts';
import { inputsOf, type RawInputs } from '../table.ts';
import { parseBuild } from './build.ts';

/**
 * Reads the inputs of the verb `plan`: those of a build, of which nothing is done.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parsePlan(raw: RawInputs, context: RunContext): PlanSettings {
  const { flakes, flake, exitCode } = parse('plan', raw);
  const named = [...new Set([...(flake === undefined ? [] : [flake]), ...flakes])];
  return {
    ...buildThatWritesNothing('plan', raw, context),
    flakes: named.length === 0 ? [undefined] : named,
    exitCode,
  };
}

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
