import { Failure } from '../../host/failure.ts';
import {
  type Completeness,
  followRequirements,
  type Member,
  type Need,
} from '../../wheels/complete.ts';
import type { Fitting } from '../../wheels/fit.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import { sourcesOf } from './asking.ts';
import type { PrefetchRun } from './run.ts';

/** What each variant's wheels lack, and why they are there. */
export type CompletenessOf = ReadonlyMap<string, { variant: Variant } & Completeness>;

/**
 * Follows what lists, wheels.toml and the wheels themselves require, in each variant that has wheels.
 * @param locked projects of lists that are resolved already, by variant
 */
export function followAll(
  wheels: readonly Fitting[],
  texts: ReadonlyMap<Fitting, string>,
  run: PrefetchRun,
): CompletenessOf {
  const sets = Map.groupBy(wheels, ({ variant }) => describeVariant(variant));
  return new Map(
    [...sets].flatMap(([key, set]) => {
      const [first] = set;
      if (first === undefined) return [];
      const { variant } = first;
      const members = new Map(
        set.map((wheel): [string, Member] => {
          const { name, version, ignoredRequirements } = wheel;
          return [name, { version, metadata: texts.get(wheel), ignoredRequirements }];
        }),
      );
      const provided = new Map([...sourcesOf(variant, run), ...run.provided(variant)]);
      const skipped = run.wanted.skipped(variant);
      const roots = rootsOf(variant, members, run);
      const found = followRequirements({ variant, roots, members, provided, skipped });
      return [[key, { variant, ...found }] as const];
    }),
  );
}

function rootsOf(
  variant: Variant,
  members: ReadonlyMap<string, Member>,
  { wanted, lists }: PrefetchRun,
): Need[] {
  const { requirements, locked } = lists(variant);
  const named = (name: string) => ({ name, extras: [], versions: '' });
  const instead = [...wanted.skipped(variant).values()].filter(name => name !== undefined);
  const ofFile = [...wanted.wheels(variant).map(({ name }) => name), ...instead];
  const [whole] = locked;
  return [
    ...requirements.map(({ place, name, extras, versions }) => ({
      ...{ by: place, shortly: place.replace(/:\d+$/, '') },
      requirement: { name, extras, versions },
    })),
    ...ofFile.map(name => ({
      ...{ by: 'wheels.toml', shortly: 'wheels.toml', requirement: named(name) },
    })),
    // what resolved it does not say who requires what
    ...(whole === undefined ? [] : [...members.keys()]).map(name => ({
      ...{ by: whole?.name ?? '', shortly: whole?.name ?? '', requirement: named(name) },
    })),
  ];
}

/** Wheels of which one image can have one only: all of them are the module cv2. */
const sameModule = [
  ...['opencv-python', 'opencv-python-headless'],
  ...['opencv-contrib-python', 'opencv-contrib-python-headless'],
];

/** Throws a {@link Failure} where something is required that nothing provides, or is there twice. */
export function refuseIncomplete(found: CompletenessOf): void {
  const lacks = [...found.values()].flatMap(({ variant, missing }) =>
    missing.map(({ by, requirement, found: other }) => ({
      variant,
      what: `${by} requires ${requirement.name}${requirement.versions && ` ${requirement.versions}`}, ${
        other === undefined ? 'which nothing provides' : `and ${other} is there`
      }.`,
    })),
  );
  if (lacks.length > 0) {
    throw new Failure('The lock would not be complete. It was left as it is.', {
      evidence: withVariants(lacks),
      tried: 'All that the lists and the metadata of the wheels require was followed.',
      next:
        'Add each to a list, or to what nixpkgs provides (packages.nix); [wheels.NAME] with ' +
        'skip = true goes without it.',
    });
  }
  const twice = [...found.values()].flatMap(({ variant, requiredBy }) => {
    const names = sameModule.filter(name => requiredBy.has(name));
    return names.length < 2
      ? []
      : names.map(name => ({ variant, what: kindOfOpenCV(name, requiredBy) }));
  });
  if (twice.length === 0) return;
  throw new Failure('Several kinds of OpenCV would overwrite each other: all are the module cv2.', {
    evidence: withVariants(twice),
    next:
      'Keep one, and say so of each other one in wheels.toml: ' +
      '[wheels.opencv-python] instead = "opencv-contrib-python-headless", which has all modules.',
  });
}

const kindOfOpenCV = (name: string, requiredBy: Completeness['requiredBy']) =>
  `${name}, required by ${requiredBy.get(name)?.join(', ')}`;

/** The same in several variants is told once. */
function withVariants(all: readonly { variant: Variant; what: string }[]): string[] {
  return [...Map.groupBy(all, ({ what }) => what)].map(([what, same]) => {
    const places = same.map(({ variant }) => describeVariant(variant)).join('; ');
    return `${what} (${places})`;
  });
}
