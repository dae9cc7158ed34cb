import type { Emit } from './events.ts';
import { Failure } from './failure.ts';
import { patience } from './limits.ts';
import { eitherSignal } from './signals.ts';

/** How long something may take. */
export interface Limit {
  /** What is waited for, in words that complete "Waiting for …". */
  what: string;
  /** Milliseconds, from the start or from the last sign of life. */
  ms: number;
  /** What the user can do once it has passed. */
  next?: string;
}

/** Who hears what is waited for, and whose signal ends the wait. */
export interface Waiter {
  emit?: Emit;
  /** Milliseconds since the epoch. */
  clock?: () => number;
  signal?: AbortSignal | undefined;
}

/**
 * Works, and says each half a minute what is being waited for. `work` gets a sign of life, with which the
 * half a minute begins anew.
 */
export async function naming<Value>(
  what: string,
  { emit, clock = Date.now }: Waiter,
  work: (alive: () => void) => Promise<Value>,
): Promise<Value> {
  let times = 0;
  const tell = () => {
    times += 1;
    const message = `Waiting for ${what}: ${inWords(times * patience.silence)} so far.`;
    emit?.({ type: 'notice', message, at: clock() });
  };
  const start = () => setInterval(tell, patience.silence);
  let timer = start();
  const alive = () => {
    clearInterval(timer);
    times = 0;
    timer = start();
  };
  try {
    return await work(alive);
  } finally {
    clearInterval(timer);
  }
}

/**
 * Works within a limit, and says each half a minute what is being waited for. `work` gets a signal that
 * aborts with the host's or when the limit has passed, and must end by it; and `alive`, a sign of life
 * with which the limit begins anew. Rejects with a {@link Failure} when the limit has passed.
 */
export async function within<Value>(
  limit: Limit,
  waiter: Waiter,
  work: (signal: AbortSignal, alive: () => void) => Promise<Value>,
): Promise<Value> {
  const ending = new AbortController();
  const start = () => setTimeout(() => ending.abort(tookTooLong(limit)), limit.ms);
  let timer = start();
  const alive = () => {
    clearTimeout(timer);
    timer = start();
  };
  const either = eitherSignal(waiter.signal, ending.signal);
  try {
    return await naming(limit.what, waiter, () => work(either, alive));
  } catch (error) {
    // what breaks because it was ended is not the reason
    throw either.aborted ? either.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the wait, not the work, when the signal aborts: for work that takes no signal. */
export async function untilAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!signal) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const tookTooLong = ({ what, ms, next }: Limit) =>
  new Failure(`Waited ${inWords(ms)} for ${what}, in vain.`, {
    tried: 'It was ended then.',
    next: next ?? 'Run it again.',
  });

/** A time span as people say it. */
const inWords = (ms: number): string =>
  ms < 120_000 ? `${ms / 1000} s` : `${Math.round(ms / 6000) / 10} min`;
