import type { Servers } from '../servers.ts';
import { untilAborted } from '../wait.ts';
import { ConnectionLost, type Send } from './message.ts';

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
