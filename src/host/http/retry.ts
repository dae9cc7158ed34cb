import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../host.ts';
import { limits, retries } from '../limits.ts';
import { type Answer, ConnectionLost, type Exchange, type HttpRequest, header } from './message.ts';

/** When to try again (`retries` in limits.ts), and the means to wait; passed in so that tests need not. */
export interface RetryPolicy {
  /** Tries in a row that may fail. */
  attempts: number;
  /** The first wait is about this long, each following one about twice as long, in ms. */
  baseDelay: number;
  /** No wait is longer, but for one that a server asks for, which may be ten times as long. */
  maxDelay: number;
  clock: Clock;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** As requests are tried again usually. */
export function usualRetries(clock: Clock): RetryPolicy {
  return {
    ...retries.http,
    clock,
    random: Math.random,
    sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
  };
}

/** Whether the same request may well succeed a little later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** How often in a row it may fail in this way. */
export function attemptsAfter(error: ConnectionLost, policy: RetryPolicy): number {
  if (error.hope === 'none') return 1;
  return error.hope === 'little' ? Math.min(retries.littleHope, policy.attempts) : policy.attempts;
}

/** What made a try fail: an answer, a lost connection, or (undefined) an answer that ended too early. */
export type Reason = Answer | ConnectionLost | undefined;

/** The tries of one undertaking. */
interface Tries {
  /**
   * Waits for the next try, after one that failed for this reason; false, at once, where none is worth
   * it. `position` are the bytes that are there by now: what gets on by `limits.progress` may fail as
   * often as anew.
   */
  again(reason: Reason, position?: number): Promise<boolean>;
}

/** Counts the tries of one undertaking, which begins with `start` bytes. */
export function triesOf(policy: RetryPolicy, signal?: AbortSignal, start = 0): Tries {
  let failed = 0;
  let furthest = start;
  return {
    async again(reason, position = furthest) {
      const gotOn = position >= furthest + limits.progress;
      failed = gotOn ? 1 : failed + 1;
      if (gotOn) furthest = position;
      const answer = reason instanceof ConnectionLost ? undefined : reason;
      if (failed >= mostAfter(reason, policy) || asksTooMuch(answer, policy)) return false;
      await pause(policy, failed, answer && header(answer, 'retry-after'), signal);
      return true;
    },
  };
}

function mostAfter(reason: Reason, policy: RetryPolicy): number {
  if (reason instanceof ConnectionLost) return attemptsAfter(reason, policy);
  const isUsual = reason !== undefined && isTransient(reason.status);
  return isUsual ? policy.attempts : Math.min(retries.littleHope, policy.attempts);
}

/**
 * Waits before try number `failed` + 1: as long as the server asked for, else exponentially longer,
 * with jitter, so that parallel uploads do not come back all at once.
 */
export async function pause(
  policy: RetryPolicy,
  failed: number,
  retryAfter: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const delay = Math.min(policy.maxDelay, policy.baseDelay * 2 ** (failed - 1));
  const asked = retryAfterMs(retryAfter, policy.clock);
  const jittered = delay * (0.5 + policy.random() / 2);
  signal?.throwIfAborted();
  try {
    await policy.sleep(asked === undefined ? jittered : patient(asked, jittered, policy), signal);
  } catch (error) {
    // the reason is what the user did, not that a timer ended
    signal?.throwIfAborted();
    throw error;
  }
}

/** The longest that a server may ask to be waited for. */
const longestAsked = ({ maxDelay }: Pick<RetryPolicy, 'maxDelay'>) => 10 * maxDelay;

/** What the server asked for and a little more, since everybody was told the same. */
function patient(asked: number, jittered: number, policy: RetryPolicy): number {
  return Math.min(asked, longestAsked(policy)) + jittered / 4;
}

/**
 * Whether a server asks to be left alone for so long that it is not waited for: its answer is then the
 * last one.
 */
export function asksTooMuch(answer: Answer | undefined, policy: RetryPolicy): boolean {
  const asked = answer && retryAfterMs(header(answer, 'retry-after'), policy.clock);
  return asked !== undefined && asked > longestAsked(policy);
}

/**
 * Retry-After (RFC 9110, 10.2.3), seconds or a date, in ms; undefined when there is none. A number that
 * no clock can count is for ever.
 */
export function retryAfterMs(value: string | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  // HTTP's dates end so; other texts are dates to the parser that are none
  const at = /GMT\s*$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock());
}

/**
 * Sends requests again after lost connections and transient answers. When the tries are used up,
 * the last answer is returned, or the last error thrown.
 */
export function retrying<Request extends HttpRequest>(
  exchange: Exchange<Request>,
  policy: RetryPolicy,
): Exchange<Request> {
  return async request => {
    const tries = triesOf(policy, request.signal);
    for (;;) {
      try {
        const answer = await exchange(request);
        if (!isTransient(answer.status) || request.retry === false) return answer;
        if (!(await tries.again(answer))) return answer;
      } catch (error) {
        if (!(error instanceof ConnectionLost) || request.retry === false) throw error;
        if (!(await tries.again(error))) throw error;
      }
    }
  };
}
