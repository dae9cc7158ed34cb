import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestProxy } from './faulty-proxy.ts';

/** One way there and back: a connection that is opened, or a request with its answer. */
interface Trip {
  /** "connect", or the method and what of the registry is meant. */
  name: string;
  /** How many came one after the other until this one, itself included. */
  depth: number;
  ended: boolean;
}

/** A registry that is far away, and what it was asked through the long line. */
export interface FarRegistry extends TestProxy {
  /**
   * What was asked since the last time, in the order in which it had to wait: each list holds what went
   * side by side, after at least one of each list before it had been answered.
   */
  sequence(): string[][];
}

/** So far away, in ms, that what is asked at the same time is on its way at the same time. */
const distance = 80;

/**
 * An HTTP proxy before a registry that takes its time for each connection and each answer, so that what
 * waits for an answer can be told from what does not. A request's depth is one more than the deepest of
 * what had been answered when it came. What is given up (DELETE) nobody waits for: it counts as nothing.
 */
export async function startFarRegistry(target: string): Promise<FarRegistry> {
  const agent = new http.Agent({ keepAlive: true });
  let trips: Trip[] = [];
  const begin = (name: string): Trip => {
    const depths = trips.filter(trip => trip.ended).map(trip => trip.depth);
    const trip = { name, depth: 1 + Math.max(0, ...depths), ended: false };
    if (!name.startsWith('DELETE')) trips.push(trip);
    return trip;
  };
  const server = http.createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const trip = begin(`${method} ${kindOf(url)}`);
    const upstream = http.request(`http://${target}${url}`, { method, headers, agent });
    upstream.on('error', () => request.socket.destroy());
    upstream.on('response', async answer => {
      await wait(distance);
      trip.ended = true;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(upstream);
  });
  server.keepAliveTimeout = 0; // a busy machine may take long to ask again
  const sockets = new Set<Socket>();
  const door = createServer({ pauseOnConnect: true }, async socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const trip = begin('connect');
    await wait(distance);
    trip.ended = true;
    server.emit('connection', socket);
    socket.resume();
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  return {
    address: `127.0.0.1:${(door.address() as AddressInfo).port}`,
    sequence: () => {
      const asked = trips;
      trips = [];
      return inOrder(asked);
    },
    stop: async () => {
      door.close();
      for (const socket of sockets) socket.destroy();
      agent.destroy();
      await once(door, 'close');
    },
  };
}

function inOrder(trips: readonly Trip[]): string[][] {
  const byDepth: string[][] = [];
  for (const { name, depth } of trips) {
    byDepth[depth - 1] ??= [];
    byDepth[depth - 1]?.push(name);
  }
  return byDepth.map(names => names.toSorted());
}

/** What an address of the registry is, without what differs from run to run. */
function kindOf(url: string): string {
  const { pathname } = new URL(url, 'http://registry');
  const [, kind = pathname, name = ''] =
    /\/(blobs\/uploads|blobs|manifests|tags)\/([^/]*)$/.exec(pathname) ?? [];
  if (kind === 'manifests')
    return name.replace(/^sha256:.*/, 'manifest').replace(/^cache-[^.]*/, 'memory');
  return { 'blobs/uploads': 'upload', blobs: 'blob', tags: 'tags' }[kind] ?? kind;
}
