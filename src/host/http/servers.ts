import { untilAborted } from '../wait.ts';
import { ConnectionLost, type Send } from './message.ts';

/** What is known of the servers that are asked: which have answered, and which want to be left alone. */
export interface Servers {
  answered(url: URL): void;
  hasAnswered(url: URL): boolean;
  /**
   * Lets nobody ask a server until the pause has ended; whether that is new, as nobody else waits for it.
   */
  rest(url: URL, pause: Promise<void>): boolean;
  /** Resolves once a server may be asked. Rejects with the signal's reason. */
  ready(url: URL, signal: AbortSignal | undefined): Promise<void>;
}

/** Nothing is known at first. A server is told by its origin. */
export function serversOfRun(): Servers {
  const answered = new Set<string>();
  const rests = new Map<string, Promise<unknown>>();
  return {
    answered: ({ origin }) => void answered.add(origin),
    hasAnswered: ({ origin }) => answered.has(origin),
    rest: ({ origin }, pause) => {
      const current = rests.get(origin);
      // a pause that is given up ends as well
      const all = Promise.allSettled([current, pause]);
      rests.set(origin, all);
      void all.then(() => rests.get(origin) === all && rests.delete(origin));
      return current === undefined;
    },
    ready: async ({ origin }, signal) => {
      for (let rest = rests.get(origin); rest !== undefined; rest = rests.get(origin)) {
        await untilAborted(rest, signal);
      }
    },
  };
}

/** Leaves servers alone that want it, and remembers which have answered. */
export function attending(send: Send, servers: Servers): Send {
  return async request => {
    await servers.ready(request.url, request.signal);
    try {
      const response = await send(request);
      servers.answered(request.url);
      return response;
    } catch (error) {
      const isKnown = error instanceof ConnectionLost && servers.hasAnswered(request.url);
      if (isKnown) error.knownServer = request.url.host;
      throw error;
    }
  };
}
