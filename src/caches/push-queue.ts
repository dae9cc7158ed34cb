import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from '../host/host.ts';
import { retries } from '../host/limits.ts';
import { warn } from '../host/say.ts';
import { beginSpan } from '../host/span.ts';
import type { PushFailure, PushTarget } from './types.ts';

/** Why some paths did not get into a cache. */
export interface Refusal {
  reason: string;
  /** Trying again makes no sense, with no path. */
  hopeless?: boolean;
}

/** How a queue hands paths to its cache. */
export interface PushQueueOptions {
  /** As people know the cache; for warnings. */
  name: string;
  /** Sends paths with what they refer to. Undefined: the cache has all of them now. */
  send: (paths: readonly string[]) => Promise<Refusal | undefined>;
  /** Paths that are sent at once, at most. */
  batchSize: number;
  /** Pauses before a batch is sent again, in ms; as many as it may fail and be tried again. */
  retryPauses: readonly number[];
}

/**
 * Sends what was built to a cache while the build goes on: always one batch at a time, of what has
 * come meanwhile. A batch that fails for good is sent path by path, so that one bad path costs no
 * other. Each path that fails is one warning; a cache that takes none any more is one for all.
 */
export function startPushQueue(options: PushQueueOptions, host: Host): PushTarget {
  const { name, batchSize } = options;
  const taken = new Set<string>();
  const waiting: string[] = [];
  const failed: PushFailure[] = [];
  const attempt = attempts(options, host);
  let inARow = 0;
  let givenUp: string | undefined;
  let working: Promise<void> | undefined;

  const fail = (path: string, refusal: Refusal) => {
    failed.push({ path, reason: refusal.reason });
    inARow += 1;
    if (givenUp !== undefined || host.signal?.aborted) return;
    if (refusal.hopeless || inARow >= retries.pushesInARow) {
      givenUp = refusal.reason;
      warn(host, `Nothing more is pushed to ${name}: ${refusal.reason}`);
    } else warn(host, notPushed(name, { path, reason: refusal.reason }));
  };

  /** Sends one path by itself. */
  const single = async (path: string) => {
    const refusal = givenUp === undefined ? await attempt.once([path]) : { reason: givenUp };
    if (refusal) fail(path, refusal);
    else inARow = 0;
  };

  const sendBatch = async (batch: readonly string[]) => {
    const refusal = givenUp === undefined ? await attempt.often(batch) : { reason: givenUp };
    if (!refusal) inARow = 0;
    else if (batch.length === 1 || refusal.hopeless || givenUp !== undefined) {
      for (const path of batch) fail(path, refusal);
    } else for (const path of batch) await single(path);
  };

  const work = async () => {
    await undefined; // what is pushed in the same turn goes in one batch
    while (waiting.length > 0) await sendBatch(waiting.splice(0, batchSize));
    working = undefined;
  };

  return {
    name,
    push: outPath => {
      if (taken.has(outPath)) return;
      taken.add(outPath);
      waiting.push(outPath);
      working ??= work();
    },
    finish: async () => {
      while (working) await working;
      return { name, pushed: taken.size - failed.length, failed };
    },
  };
}

/** Sends paths once, or again after each pause; neither ever rejects. */
function attempts({ name, send, retryPauses }: PushQueueOptions, host: Host) {
  const once = async (paths: readonly string[]): Promise<Refusal | undefined> => {
    if (host.signal?.aborted) return interrupted;
    const sent = beginSpan(host, { kind: 'cache-push', detail: name });
    try {
      const refusal = await send(paths);
      sent(refusal !== undefined);
      return refusal;
    } catch (error) {
      sent(true);
      if (host.signal?.aborted) return interrupted;
      // it could not be run, or did not end
      return { reason: error instanceof Error ? error.message : String(error), hopeless: true };
    }
  };
  const often = async (paths: readonly string[]): Promise<Refusal | undefined> => {
    let refusal = await once(paths);
    for (const pause of retryPauses) {
      if (!refusal || refusal.hopeless) break;
      await wait(pause, undefined, host.signal ? { signal: host.signal } : {}).catch(() => {});
      refusal = await once(paths);
    }
    return refusal;
  };
  return { once, often };
}

const interrupted: Refusal = { reason: 'the run was interrupted', hopeless: true };

/** The warning about a path. */
export function notPushed(name: string, { path, reason }: PushFailure): string {
  return `${path} was not pushed to ${name}: ${reason}`;
}
