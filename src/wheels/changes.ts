import { isDeepStrictEqual } from 'node:util';
import { allPins, type Lock, type SourcePin, type WheelPin } from './lock.ts';
import type { Variant } from './variant.ts';

/** One difference between two locks. */
export type Change =
  | {
      kind: 'wheel';
      variant: Variant;
      name: string;
      before: WheelPin | undefined;
      after: WheelPin | undefined;
    }
  | {
      kind: 'source';
      name: string;
      before: SourcePin | undefined;
      after: SourcePin | undefined;
    };

/** What is different in `after`, wheels first, in the locks' order. */
export function compareLocks(before: Lock | undefined, after: Lock): Change[] {
  const old = pinsByKey(before);
  const now = pinsByKey(after);
  const wheels = [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((key): Change[] => {
    const [a, b] = [old.get(key), now.get(key)];
    const either = b ?? a;
    if (either === undefined || isSame(a?.pin, b?.pin)) return [];
    const { variant, name } = either;
    return [{ kind: 'wheel', variant, name, before: a?.pin, after: b?.pin }];
  });
  const names = [...Object.keys(before?.sources ?? {}), ...Object.keys(after.sources)];
  const sources = [...new Set(names)].sort().flatMap((name): Change[] => {
    const [a, b] = [before?.sources[name], after.sources[name]];
    return isSame(a, b) ? [] : [{ kind: 'source', name, before: a, after: b }];
  });
  return [...wheels, ...sources];
}

function pinsByKey(lock: Lock | undefined) {
  const pins = lock === undefined ? [] : allPins(lock);
  return new Map(
    pins.map(each => {
      const { system, cuda, python } = each.variant;
      return [[each.name, system, cuda, python].join('\0'), each] as const;
    }),
  );
}

function isSame(a: WheelPin | SourcePin | undefined, b: typeof a): boolean {
  if (a === undefined || b === undefined) return a === b;
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...fields].every(field =>
    isDeepStrictEqual(Reflect.get(a, field), Reflect.get(b, field)),
  );
}
