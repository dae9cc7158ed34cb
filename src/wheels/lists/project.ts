import { parse, TomlError } from 'smol-toml';
import { factsOf, holds } from '../markers.ts';
import { parseRequirement } from '../requirements.ts';

/** The dependencies of a pyproject.toml (PEP 621); undefined where it tells none. */
export function dependenciesIn(content: string): string[] | undefined {
  const { project } = tablesOf(content) as { project?: { dependencies?: unknown } };
  return textsIn(project?.dependencies);
}

/** Projects that building takes by a pyproject.toml (PEP 518), sorted; without a word, setuptools. */
export function buildRequirements(content: string): string[] {
  const system = Object(tablesOf(content)['build-system']) as { requires?: unknown };
  const requires = textsIn(system.requires) ?? ['setuptools'];
  const names = requires.flatMap(each => {
    const { name, marker = '' } = parseRequirement(each) ?? {};
    return name !== undefined && holds(marker, builder) ? [name] : [];
  });
  return [...new Set(names)].sort();
}

/** A source is built for each Python; what building takes differs for ones that are no more. */
const builder = factsOf({ system: 'x86_64-linux', cuda: '', python: '3.13' });

function tablesOf(content: string): Record<string, unknown> {
  try {
    return parse(content);
  } catch (error) {
    if (error instanceof TomlError) return {};
    throw error;
  }
}

const textsIn = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter(each => typeof each === 'string') : undefined;
