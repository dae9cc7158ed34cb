import { factsOf, holds } from '../markers.ts';
import { parseRequirement } from '../requirements.ts';
import { readToml } from '../toml.ts';

/** The dependencies in the tables of a pyproject.toml (PEP 621); undefined where it tells none. */
export function dependenciesIn({ project }: Record<string, unknown>): string[] | undefined {
  return textsIn(Object(project).dependencies);
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

/** A file of others that is no TOML tells nothing. */
function tablesOf(content: string): Record<string, unknown> {
  const read = readToml(content);
  return 'tables' in read ? read.tables : {};
}

const textsIn = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter(each => typeof each === 'string') : undefined;
