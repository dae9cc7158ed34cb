import { setTimeout as wait } from 'node:timers/promises';
import type { Clock, Host } from '../host.ts';
import { limits, retries } from '../limits.ts';
import { notice } from '../say.ts';
import { type Answer, ConnectionLost, type Exchange, type HttpRequest, header } from './message.ts';
import { type Servers, serversOfRun } from './servers.ts';

/** When to try again (`retries` in limits.ts), and the means to wait; passed in so that tests need not. */
export interface RetryPolicy {
  /** Tries in a row that may fail. */
  attempts: number;
  /** The first wait is about this long, each following one about twice as long, in ms. */
  baseDelay: number;
  /** No wait is longer, but for one that a server asks for. */
  maxDelay: number;
  /** The longest that a server may ask to be waited for, in ms. */
  longestAsked: number;
  /** How long a server that has answered is waited for while it takes no connections, in ms. */
  restart: number;
  clock: Clock;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Tells people what is waited for: one sentence. */
  say(message: string): void;
  /** Which servers want to be left alone. */
  servers: Servers;
}

/** As requests are tried again usually. */
export function usualRetries(host: Pick<Host, 'clock' | 'emit'>): RetryPolicy {
  return {
    ...retries.http,
    clock: host.clock,
    random: Math.random,
    sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
    say: message => notice(host, message),
    servers: serversOfRun(),
  };
}

/** Whether the same request may well succeed a little later; a disk that is full (507) stays so. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && ![501, 505, 507].includes(status));
}

const fullWords = /no space left|disk quota|quota exceeded|insufficient storage|disk (?:is )?full/i;

/** Whether a server says that it has no room left, with whatever status of a fault. */
export function isFull({ status, body }: Answer): boolean {
  return status === 507 || (status >= 500 && fullWords.test(body.toString('latin1', 0, 65_536)));
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
  let restart = restartOf(policy, signal);
  return {
    async again(reason, position = furthest) {
      if (position >= furthest + limits.progress) {
        failed = 0;
        furthest = position;
        restart = restartOf(policy, signal);
      }
      const server = serverInRestart(reason, policy);
      if (server !== undefined) return restart(server);
      failed += 1;
      if (failed >= mostAfter(reason, policy)) return false;
      await pause(policy, failed, reason, signal);
      return true;
    },
  };
}

/** A server that has answered, and takes no connections now: it, or what stands before it, starts anew. */
function serverInRestart(reason: Reason, policy: RetryPolicy): string | undefined {
  const isAway = reason instanceof ConnectionLost && reason.fault === 'away';
  return isAway && policy.restart > 0 ? reason.knownServer : undefined;
}

/** Waits for a server that is started anew, again and again; false once the time for that is over. */
function restartOf(policy: RetryPolicy, signal: AbortSignal | undefined) {
  let times = 0;
  let waited = 0;
  return async (server: string): Promise<boolean> => {
    if (waited >= policy.restart) return false;
    times += 1;
    const seconds = policy.restart / 1000;
    if (times === 1) {
      policy.say(`${server} takes no connections: waiting up to ${seconds} s for it to come back.`);
    }
    const ms = Math.min(retries.restartDelay, jittered(policy, times));
    waited += ms;
    await sleepFor(policy, ms, signal);
    return true;
  };
}

/** How often in a row it may fail in this way. */
function mostAfter(reason: Reason, policy: RetryPolicy): number {
  const little = Math.min(retries.littleHope, policy.attempts);
  if (reason instanceof ConnectionLost) {
    if (reason.fault === 'broken') return policy.attempts;
    return reason.fault === 'away' || reason.fault === 'slow' ? little : 1;
  }
  if (reason === undefined) return little;
  if (isFull(reason) || asksTooMuch(reason, policy)) return 1;
  return isTransient(reason.status) ? policy.attempts : little;
}

/**
 * Waits before try number `failed` + 1: as long as the server asked for, else exponentially longer,
 * with jitter, so that parallel uploads do not come back all at once. A server that limits requests gets
 * none from anybody meanwhile.
 */
export async function pause(
  policy: RetryPolicy,
  failed: number,
  reason: Reason,
  signal?: AbortSignal,
): Promise<void> {
  const answer = reason instanceof ConnectionLost ? undefined : reason;
  const asked = answer && retryAfterMs(header(answer, 'retry-after'), policy.clock);
  const own = jittered(policy, failed);
  // a little more than asked for, since everybody was told the same
  const ms = asked === undefined ? own : Math.min(asked, policy.longestAsked) + own / 4;
  const sleeping = sleepFor(policy, ms, signal);
  if (answer && (asked !== undefined || answer.status === 429)) {
    const isNews = policy.servers.rest(answer.url, sleeping);
    if (isNews && ms >= retries.saidDelay) policy.say(leftAlone(answer, ms));
  }
  await sleeping;
}

const leftAlone = ({ url, status }: Answer, ms: number) =>
  `${url.host} asks to be left alone (${status}): nothing is asked of it for ${Math.ceil(ms / 1000)} s.`;

/** About twice as long after each failure. */
function jittered({ baseDelay, maxDelay, random }: RetryPolicy, failed: number): number {
  return Math.min(maxDelay, baseDelay * 2 ** (failed - 1)) * (0.5 + random() / 2);
}

async function sleepFor(policy: RetryPolicy, ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await policy.sleep(ms, signal);
  } catch (error) {
    // the reason is what the user did, not that a timer ended
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Whether a server asks to be left alone for so long that it is not waited for: its answer is then the
 * last one.
 */
export function asksTooMuch(
  answer: Answer,
  policy: Pick<RetryPolicy, 'clock' | 'longestAsked'>,
): boolean {
  const asked = retryAfterMs(header(answer, 'retry-after'), policy.clock);
  return asked !== undefined && asked > policy.longestAsked;
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
