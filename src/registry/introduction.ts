import { Failure } from '../host/failure.ts';
import {
  ConnectionLost,
  type HttpRequest,
  type HttpResponse,
  header,
  readBody,
  type Send,
  unread,
} from '../host/http/message.ts';
import { isTransient } from '../host/http/retry.ts';
import { untilAborted } from '../host/wait.ts';
import { type Challenge, chooseChallenge } from './challenge.ts';
import type { Origin } from './origin.ts';
import { unreachable } from './refusal.ts';

/** What a registry wants to see of a login, found out by whatever it is asked first. */
export interface Introduction {
  /** What it wants; undefined: nothing. It is asked at its root where nothing has told by now. */
  wanted(): Promise<Challenge | undefined>;
  /** Learns from an answer that asks for a login. */
  correct(challenge: Challenge): void;
  /**
   * Sends a request without a login if it is the first one; others wait meanwhile. Gives its answer where
   * it needs none, undefined where it is to be sent (again): what is wanted is known by now.
   */
  introduce(request: HttpRequest, send: Send): Promise<HttpResponse | undefined>;
}

/** The challenge that a registry has answered with: it holds for all of its repositories. */
export interface SharedChallenge {
  challenge?: Challenge;
}

/** What an introduction needs to know. */
interface IntroductionOptions {
  /** As people name it; for errors. */
  registry: string;
  origin: Pick<Origin, 'find' | 'ping'>;
  shared: SharedChallenge;
  signal: AbortSignal | undefined;
}

/** Nothing is asked yet. That one repository wants no login says nothing of others. */
export function startIntroduction(options: IntroductionOptions): Introduction {
  const { shared, origin, signal } = options;
  let own: SharedChallenge | undefined;
  let underWay: Promise<unknown> | undefined;
  const known = () => own ?? (shared.challenge && shared);
  const learn = (challenge: Challenge | undefined) => {
    own = challenge ? { challenge } : {};
    if (challenge) shared.challenge = challenge;
  };
  const askRoot = async () => learn(await challengeOfRoot(options));

  /** One asks; what keeps it from getting an answer keeps all that wait for it. */
  const unlessKnown = async <T>(ask: () => Promise<T>, limit: typeof signal) => {
    while (underWay && !known()) await untilAborted(underWay, limit);
    if (known()) return undefined;
    const asking = ask();
    underWay = asking.catch((error: unknown) => {
      if (error instanceof ConnectionLost || error instanceof Failure) throw error;
    });
    underWay.catch(() => undefined); // told to those who wait, if any
    return asking.finally(() => {
      underWay = undefined;
    });
  };

  const goFirst = async (request: HttpRequest, send: Send): Promise<HttpResponse | undefined> => {
    const response = await origin.find(request, send);
    const { status } = response;
    if (isTransient(status)) return response;
    if (status < 400) {
      learn(undefined);
      return response;
    }
    const answer = await readBody(response);
    // what a registry hides from strangers it calls missing or forbidden
    if (status === 401) learn(chooseChallenge(header(response, 'www-authenticate')));
    else await askRoot();
    return known()?.challenge ? undefined : unread(answer);
  };

  return {
    wanted: async () => {
      await unlessKnown(askRoot, signal);
      return known()?.challenge;
    },
    correct: learn,
    introduce: (request, send) => {
      const isStream = request.body !== undefined && !Buffer.isBuffer(request.body);
      const ask = async () => (isStream ? void (await askRoot()) : goFirst(request, send));
      return unlessKnown(ask, request.signal);
    },
  };
}

async function challengeOfRoot({ origin, registry, signal }: IntroductionOptions) {
  try {
    const answer = await origin.ping(signal);
    return answer.status === 401 ? chooseChallenge(header(answer, 'www-authenticate')) : undefined;
  } catch (error) {
    // tried often enough: the request that waits for this is not to repeat it
    throw unreachable(error, registry);
  }
}
