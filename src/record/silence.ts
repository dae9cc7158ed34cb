import type { Activity, Progress } from './progress.ts';

export type BuildActivity = Extract<Activity, { kind: 'build' }>;

/** Gives builds that have said nothing for `longest` milliseconds, each of them once in a run. */
export function watchSilence(
  longest: number,
): (progress: Progress, now: number) => BuildActivity[] {
  const told = new Set<string>();
  return ({ activities }, now) =>
    [...activities.values()].filter((each): each is BuildActivity => {
      if (each.kind !== 'build' || now - each.heardAt < longest) return false;
      const isNew = !told.has(each.derivation);
      told.add(each.derivation);
      return isNew;
    });
}
