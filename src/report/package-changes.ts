import type { Comparison } from '../record/compare.ts';

type PackageChange = Comparison['packages']['added'][number];

/** A package that is otherwise than last time, and how: "2.8.0 → 2.9.0", "added, 1.2", "removed (1.1)". */
interface ToldPackage {
  name: string;
  layer: string;
  change: string;
}

/** All of them: what was updated, then what came and what went. */
export function packageChanges({ packages }: Comparison): ToldPackage[] {
  const told = (list: readonly PackageChange[], say: (each: PackageChange) => string) =>
    list.map(each => ({ name: each.name, layer: each.layer, change: say(each) }));
  return [
    ...told(packages.updated, ({ from, to }) => `${from} → ${to}`),
    ...told(packages.added, ({ to }) => `added, ${to}`),
    ...told(packages.removed, ({ from }) => `removed (${from})`),
  ];
}
