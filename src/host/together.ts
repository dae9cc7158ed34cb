import type { Host } from './host.ts';
import { stoppable } from './stoppable.ts';

/** Work that goes on side by side, and ends together. */
export interface Group {
  /** The caller's host, whose signal also aborts when a part fails: each part works with it. */
  host: Host;
  /** Makes work that has begun a part of the group. */
  add<T>(part: Promise<T>): Promise<T>;
}

/**
 * Does work of which parts go on side by side. The first part that fails ends the others; when this
 * resolves or rejects nothing of it runs any more. Rejects with the reason of that first part.
 */
export async function together<T>(host: Host, work: (group: Group) => Promise<T>): Promise<T> {
  const { host: own, stop } = stoppable(host);
  const parts = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  const add = <Part>(begun: Promise<Part>): Promise<Part> => {
    const part = begun.catch((error: unknown) => {
      failures.push(error);
      stop(error);
      throw error;
    });
    part.catch(() => undefined); // told in the end, whoever waits for it
    parts.add(part);
    return part;
  };
  const whole = add(work({ host: own, add }));
  // a part may begin others
  for (let known = 0; known < parts.size; ) {
    known = parts.size;
    await Promise.allSettled(parts);
  }
  if (failures.length > 0) throw failures[0];
  return whole;
}
