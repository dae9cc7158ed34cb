import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

type Connect = Agent['createConnection'];

/**
 * Has an agent open so many connections more along with its first one to a place, for requests that will
 * go side by side: none of them then waits for a connection. One that nobody wants within the agent's time
 * limit is closed. Returns what closes all that are left.
 */
export function openAhead(agent: Agent, count: number): () => void {
  const connect: Connect = agent.createConnection.bind(agent);
  const places = new Map<string, Set<Duplex>>();
  agent.createConnection = (options, callback) => {
    const name = agent.getName(options as Parameters<Agent['getName']>[0]);
    const spares = places.get(name);
    const [spare] = spares ?? [];
    if (spare) {
      spares?.delete(spare);
      return spare;
    }
    if (!spares) {
      const more = new Set<Duplex>();
      places.set(name, more);
      for (let at = 0; at < count; at++) keep(more, made => connect({ ...options }, made));
    }
    return connect(options, callback);
  };
  return () => {
    for (const spare of [...places.values()].flatMap(spares => [...spares])) spare.destroy();
  };
}

/** Opens a spare connection; what becomes of it matters only to who uses it. */
function keep(spares: Set<Duplex>, open: (made: Parameters<Connect>[1]) => ReturnType<Connect>) {
  const take = (socket: Duplex | null | undefined) => {
    if (!socket) return;
    spares.add(socket);
    const drop = () => spares.delete(socket);
    socket.on('error', drop).once('close', drop);
    socket.once('timeout', () => drop() && socket.destroy());
  };
  take(open((error, socket) => error ?? take(socket)));
}
