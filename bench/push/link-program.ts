// The program of a link (bench/push/link.ts): a TCP proxy to TARGET, started as a child with a channel.
// It tells its address, and for each message how many bytes it has taken so far.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { argv } from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import type { Link } from './link.ts';

/** What may be on the way at a time in one direction of one connection, as in a socket's buffers. */
const inFlight = 4 << 20;

/** Bytes that came from either side so far. */
let taken = 0;

/** All connections share the link's rate, each byte arrives half a round trip later. */
async function serve(target: string, { rate, roundTrip }: Link): Promise<string> {
  const [host = '', port] = target.split(':');
  const upstream = sharedRate(rate);
  const delay = roundTrip / 2;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, async client => {
    const registry = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
    client.on('error', () => registry.destroy());
    registry.on('error', () => client.destroy());
    await wait(roundTrip);
    carry(client, registry, delay, upstream);
    carry(registry, client, delay, async (_, came) => came);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Resolves to the time at which so many bytes, which came then, have left; not long before that time. */
type Depart = (bytes: number, came: number) => Promise<number>;

/** A timer that is late loses nothing of the rate: what has come meanwhile leaves without a gap. */
function sharedRate(rate: number): Depart {
  let free = 0;
  return async (bytes, came) => {
    free = Math.max(free, came) + (bytes / rate) * 1000;
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
    const came = performance.now();
    taken += chunk.length;
    queued += chunk.length;
    if (queued >= inFlight) from.pause();
    leaving = leaving.then(async () => {
      const due = (await depart(chunk.length, came)) + delay;
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

const [, , target = '', link = '{}'] = argv;
const address = await serve(target, JSON.parse(link) as Link);
process.on('message', () => process.send?.(taken));
process.on('disconnect', () => process.exit());
process.send?.(address);
