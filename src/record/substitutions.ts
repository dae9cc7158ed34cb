import type { ProgressEvent } from '../host/events.ts';
import type { SubstituterRecord } from './types.ts';

/** Counts what came from each substituter. */
export interface Substitutions {
  take(event: ProgressEvent): void;
  /** In the order of first use. */
  result(): SubstituterRecord[];
}

/**
 * A path that one substituter failed to give is asked of the next one: it counts for the last, and for
 * none where nothing came.
 */
export function countSubstitutions(): Substitutions {
  const cacheOf = new Map<string, string>();
  const received = new Map<string, { cache: string; narSize: number }>();
  return {
    take(event) {
      if (event.type === 'substitute-start') cacheOf.set(event.path, event.cache);
      if (event.type !== 'substitute-end' || event.narSize === undefined) return;
      const cache = cacheOf.get(event.path);
      if (cache !== undefined) received.set(event.path, { cache, narSize: event.narSize });
    },
    result() {
      const sums = new Map<string, SubstituterRecord>();
      for (const { cache, narSize } of received.values()) {
        const { paths = 0, narSize: before = 0 } = sums.get(cache) ?? {};
        sums.set(cache, { cache, paths: paths + 1, narSize: before + narSize });
      }
      return [...sums.values()];
    },
  };
}
