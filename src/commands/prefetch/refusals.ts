import { Failure } from '../../host/failure.ts';
import { describeVariant } from '../../wheels/variant.ts';
import { exactVersion } from '../../wheels/versions.ts';
import { type Asking, versionsOf } from './asking.ts';

/** A project without a wheel that could be used, and what uv said of it. */
export interface Wheelless {
  project: string;
  said: readonly string[];
  /** Of the variant where it is so. */
  asking: Asking;
}

/** Throws a {@link Failure} that names all projects without a wheel, who wants them, and what to write. */
export function refuseWithoutWheels(all: readonly Wheelless[]): void {
  if (all.length === 0) return;
  const evidence = [...Map.groupBy(all, ({ project }) => project).values()].flatMap(same => {
    const [first] = same;
    if (first === undefined) return [];
    const where = same.map(({ asking: { variant } }) => describeVariant(variant)).join('; ');
    return [`${wantedBy(first)} (${where}): write ${instead(first)}`];
  });
  throw new Failure(
    'Projects have no wheel for the image, and prefetch builds none. The lock was left as it is.',
    {
      evidence,
      tried: 'uv looked for wheels of every version that the lists allow.',
      next:
        'Take each from nixpkgs where that has it (packages.nix), or as the lines say: a source is ' +
        'built by layers/4-sources.nix.',
    },
  );
}

function wantedBy({ project, said, asking }: Wheelless): string {
  const [line] = asking.asked.filter(({ name }) => name === project);
  return line ? `${line.place}: ${line.text}` : `${project}: ${requirerIn(said)}`;
}

/** What to write into wheels.toml. */
function instead({ project, asking }: Wheelless): string {
  const version = exactVersion(versionsOf(project, asking)) ?? 'VERSION';
  return (
    `[sources.${project}] version = "${version}", whose source archive is built, or its repository, ` +
    `url and ref; or [wheels.${project}] skip = true`
  );
}

const requirerIn = (said: readonly string[]) =>
  said
    .join(' ')
    .replace(/^.*?cause: /, '')
    .replace(/, we can conclude that .*$/, '');

/** uv's own words, with the lines that they are about. */
export function noSolution(said: readonly string[], { variant, rules, asked }: Asking): Failure {
  const text = said.join(' ').toLowerCase();
  const isNamed = ({ name }: { name: string }) =>
    new RegExp(`(?<![\\w-])${name.replaceAll('-', '[-_.]')}(?![\\w-])`).test(text);
  const lines = [
    ...asked.filter(isNamed).map(({ place, text: line }) => `${place}: ${line}`),
    ...rules.filter(isNamed).map(({ name, versions }) => `wheels.toml: ${name} ${versions}`),
  ];
  return new Failure(
    `No versions go together for ${describeVariant(variant)}. The lock was left as it is.`,
    {
      evidence: [...said.map(line => line.replace(/^(error|cause): /, '')), ...new Set(lines)],
      tried: 'uv looked for versions that meet all lists, wheels.toml and what nixpkgs provides.',
      next: text.includes('no usable wheels')
        ? 'Change one of these lines, or go without what has no wheel: [wheels.NAME] skip = true.'
        : 'Change one of these lines.',
    },
  );
}
