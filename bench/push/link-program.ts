import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A network link between a runner and its registry. */
export interface Link {
  /** Bytes per second towards the registry, for all connections together. */
  rate: number;
  /** Milliseconds there and back. */
  roundTrip: number;
}

export interface Proxy {
  /** "127.0.0.1:PORT". */
  address: string;
  stop(): Promise<void>;
}

/** What may be on the way at a time in one direction of one connection, as in a socket's buffers. */
const inFlight = 4 << 20;

/**
 * A TCP proxy that behaves like a link: all connections share its rate, each byte arrives half a round
 * trip later, a connection is opened after a whole one. TCP's slow start is not imitated.
 */
export async function startLink(target: string, link: Link): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const upstream = sharedRate(link.rate);
  const delay = link.roundTrip / 2;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, async client => {
    const [host, port] = target.split(':');
    const open = { host: host ?? '', port: Number(port), noDelay: true, allowHalfOpen: true };
    const registry = connect(open);
    for (const socket of [client, registry]) sockets.add(socket);
    client.on('error', () => registry.destroy());
    registry.on('error', () => client.destroy());
    await wait(link.roundTrip);
    carry(client, registry, delay, upstream);
    carry(registry, client, delay, async () => performance.now());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  return { address: `127.0.0.1:${port}`, stop };
}

/** Resolves to the time at which so many bytes have left, not long before that time. */
type Depart = (bytes: number) => Promise<number>;

function sharedRate(rate: number): Depart {
  let free = 0;
  return async bytes => {
    free = Math.max(free, performance.now()) + (bytes / rate) * 1000;
    const departure = free;
    const early = departure - performance.now();
    if (early > 2) await wait(early - 1);
    return departure;
  };
}

/** Carries what comes, and its end, to the other side when it is due. */
function carry(from: Socket, to: Socket, delay: number, depart: Depart): void {
  const arrivals = queue();
  let queued = 0;
  let leaving: Promise<unknown> = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    queued += chunk.length;
    if (queued >= inFlight) from.pause();
    leaving = leaving.then(async () => {
      const due = (await depart(chunk.length)) + delay;
      arrivals.add(due, async () => {
        if (!to.destroyed && !to.write(chunk)) await drained(to);
        queued -= chunk.length;
        if (queued < inFlight) from.resume();
      });
    });
  });
  from.on('end', () => {
    leaving = leaving.then(() => arrivals.add(performance.now() + delay, async () => to.end()));
  });
}

/** Resolves when the socket takes more, or nothing any more. */
function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const go = () => {
      socket.off('drain', go).off('close', go);
      resolve();
    };
    socket.on('drain', go).on('close', go);
  });
}

/** Does one thing after the other, each not before it is due. */
function queue() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    add(due: number, work: () => Promise<unknown>): void {
      last = last.then(async () => {
        const early = due - performance.now();
        if (early > 0.5) await wait(early);
        await work();
      });
    },
  };
}
