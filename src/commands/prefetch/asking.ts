import type { Choice } from '../../wheels/choose.ts';
import { allPins } from '../../wheels/lock.ts';
import type { Pinned } from '../../wheels/pin.ts';
import { readPylock } from '../../wheels/resolve/pylock.ts';
import { versionOf } from '../../wheels/sources/archive.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import { exactVersion } from '../../wheels/versions.ts';
import { anyVersion, type WantedWheel } from '../../wheels/wanted/wheel.ts';
import { normalizeName } from '../../wheels/wheel-name.ts';
import { type Askers, fileOf } from './file.ts';
import type { PrefetchRun } from './run.ts';

/** What a variant is resolved from. */
export interface Asking extends Askers {
  /** Of pylock.toml and uv.lock. */
  locked: readonly Choice[];
  /** Whether all that they require is locked, too; else the lock has what wheels.toml names. */
  isWhole: boolean;
}

/** What wheels.toml and the lists ask for in a variant. */
export function askingFor(variant: Variant, run: PrefetchRun): Asking {
  const { wanted } = run;
  const lists = run.lists(variant);
  const [skipped, provided] = [wanted.skipped(variant), run.provided(variant)];
  const isUsed = ({ name }: { name: string }) => !skipped.has(name) && !provided.has(name);
  const locked = lists.locked.flatMap(({ name, text }) =>
    readPylock(text, name, variant)
      .filter(isUsed)
      .map(each => fileOf(each, { variant, rules: [], asked: [] }, run)),
  );
  const isThere = new Set([
    ...locked.map(({ wheel }) => wheel.name),
    ...skipped.keys(),
    ...provided.keys(),
    ...sourcesOf(variant, run).keys(),
  ]);
  const named = wanted.wheels(variant);
  const rules = [...named, ...standIns(variant, named, run)].filter(
    each => !isThere.has(each.name),
  );
  const asked = lists.requirements.filter(({ name }) => !isThere.has(name));
  return { variant, rules, asked, locked, isWhole: isWhole(variant, run) };
}

/** Whether a variant's lock has all that its wheels require. */
export const isWhole = (variant: Variant, { wanted, lists }: PrefetchRun): boolean =>
  wanted.provided !== undefined || lists(variant).any;

/** What wheels.toml takes in the place of others, and says nothing else of. */
function standIns(
  variant: Variant,
  named: readonly WantedWheel[],
  { wanted }: PrefetchRun,
): WantedWheel[] {
  const all = [...wanted.skipped(variant).values()].filter(name => name !== undefined);
  return all
    .filter(name => !named.some(each => each.name === name))
    .map(name => anyVersion(name, wanted.packageIndex(variant)));
}

/** Projects that are built from source, with the versions that archives tell. */
export const sourcesOf = (
  variant: Variant,
  { wanted, lists }: PrefetchRun,
): Map<string, string | undefined> =>
  new Map(
    [...lists(variant).sources, ...wanted.sources].map(source => [
      normalizeName(source.name),
      versionOf(source),
    ]),
  );

/** Whether every version is pinned with `==`, so that nobody has to choose; a release has one. */
export function isExact({ rules, asked }: Asking): boolean {
  const fromIndexes = rules.filter(({ origin }) => origin.kind === 'index');
  const listed = asked.filter(({ url }) => url === undefined);
  return [...fromIndexes, ...listed].every(({ versions }) => exactVersion(versions) !== undefined);
}

/** The specifiers that are asked for of a project; empty: any. */
export const versionsOf = (name: string, { rules, asked }: Asking): string =>
  [...rules, ...asked].find(each => each.name === name && each.versions !== '')?.versions ?? '';

/** What the lock has of a variant, but for what other tools have locked; of wheels.toml's where that is all. */
export function pinsFor({ variant, rules, locked, isWhole }: Asking, run: PrefetchRun): Pinned[] {
  const { before } = run;
  const names = new Set(rules.map(({ name }) => name));
  const there = new Set(locked.map(({ wheel }) => wheel.name));
  return (before === undefined ? [] : allPins(before))
    .filter(each => describeVariant(each.variant) === describeVariant(variant))
    .filter(({ name }) => !there.has(name) && (isWhole || names.has(name)));
}
