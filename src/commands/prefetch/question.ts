import type { Asked } from '../../wheels/lists/asked.ts';
import type { AskedFor, Question } from '../../wheels/resolve/question.ts';
import type { WantedWheel } from '../../wheels/wanted/wheel.ts';
import { type Asking, sourcesOf, versionsOf } from './asking.ts';
import type { Results } from './exact.ts';
import type { PrefetchRun } from './run.ts';

/**
 * What uv is asked for a variant.
 * @param fromReleases what was found of the wheels of releases, which stand in it by their addresses
 * @param without projects of which there is no wheel
 */
export function questionOf(
  asking: Asking,
  fromReleases: Results,
  without: readonly string[],
  run: PrefetchRun,
): Question {
  const { variant, rules, isWhole } = asking;
  const lists = run.lists(variant);
  const there = [...run.provided(variant), ...sourcesOf(variant, run)];
  const known = there.flatMap(([name, version]) => (version ? [[name, version] as const] : []));
  const excludes = [
    ...[...without, ...unfound(fromReleases), ...run.wanted.skipped(variant).keys()],
    ...there.flatMap(([name, version]) => (version ? [] : name)),
  ];
  const ignored = new Set(rules.flatMap(({ ignoredRequirements }) => ignoredRequirements));
  const packageIndex = run.wanted.packageIndex(variant);
  return {
    ...{ variant, isWhole, packageIndex, excludes, indexes: lists.indexes },
    requirements: linesOf(asking, fromReleases, packageIndex).filter(
      ({ name }) => !excludes.includes(name),
    ),
    provided: new Map(known),
    constraints: lists.constraints.map(each => `${each.name}${each.versions}`),
    overrides: [...ignored].map(name => `${name}${versionsOf(name, asking)}`),
  };
}

const unfound = (fromReleases: Results): string[] =>
  fromReleases.filter(({ kind }) => kind !== 'chosen').map(({ wheel }) => wheel.name);

/** What wheels.toml and the lists name, each a requirement. */
function linesOf(
  { rules, asked, locked }: Asking,
  fromReleases: Results,
  packageIndex: string,
): AskedFor[] {
  const found = [...fromReleases, ...locked].filter(each => each.kind === 'chosen');
  return [
    ...rules
      .filter(({ origin }) => origin.kind === 'index')
      .map(wheel => askedFor(wheel, packageIndex)),
    ...asked.map(each => ({ name: each.name, text: textOf(each) })),
    ...found.map(each => ({
      name: each.wheel.name,
      text: each.wheel.name,
      from: { url: each.file.url },
    })),
  ];
}

/** Without the marker, which holds. */
const textOf = ({ name, extras, versions, url }: Asked): string =>
  `${name}${extras.length > 0 ? `[${extras}]` : ''}${url === undefined ? versions : ` @ ${url}`}`;

function askedFor({ name, versions, origin }: WantedWheel, packageIndex: string): AskedFor {
  const text = `${name}${versions}`;
  const isUsual = origin.kind !== 'index' || origin.url === packageIndex;
  return isUsual ? { name, text } : { name, text, from: { index: origin.url } };
}
