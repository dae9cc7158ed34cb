import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What a proxy does to one connection. Without any of these it passes everything on. */
export interface LinkFaults {
  /** Each piece is passed on so many ms after it came. */
  latency?: number;
  /** Bytes per second, towards the server. */
  rate?: number;
  /** The connection is reset after so many bytes towards the server. */
  resetAfter?: number;
  /** The connection is reset at once. */
  refuse?: boolean;
  /** Everything is taken and nothing passed on. */
  blackHole?: boolean;
}

export interface TestProxy {
  /** "127.0.0.1:PORT". */
  address: string;
  stop(): Promise<void>;
}

/** A proxy that does not look into what it passes on. */
export interface TestTcpProxy extends TestProxy {
  /** How many there were so far. */
  connections(): number;
}

/** A TCP proxy to a loopback address; `faults` is asked for each connection, counted from 0. */
export async function startTcpProxy(
  target: string,
  faults: (connection: number) => LinkFaults,
): Promise<TestTcpProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(client => {
    const fault = faults(connections++);
    sockets.add(client);
    client.on('error', () => undefined);
    if (fault.refuse) return client.resetAndDestroy();
    if (fault.blackHole) return client.resume();
    const upstream = connectTo(target);
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    void pump(client, upstream, fault);
    void pump(upstream, client, fault.latency === undefined ? {} : { latency: fault.latency });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  return { address: addressOf(server.address()), connections: () => connections, stop };
}

async function pump(from: Socket, to: Socket, fault: LinkFaults): Promise<void> {
  let left = fault.resetAfter ?? Number.POSITIVE_INFINITY;
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (fault.latency) await wait(fault.latency);
      if (fault.rate) await wait((chunk.length / fault.rate) * 1000);
      if (!to.write(chunk.subarray(0, left)))
        await Promise.race([once(to, 'drain'), once(to, 'close')]);
      left -= chunk.length;
      if (left > 0) continue;
      from.resetAndDestroy();
      to.destroy();
      return;
    }
    to.end();
  } catch {
    to.destroy();
  }
}

/** What a proxy that understands HTTP does to one request. */
export type HttpFault =
  | { status: number; headers?: Record<string, string> }
  /** The connection is reset after so many bytes of the request's body were passed on. */
  | { resetAfter: number }
  /** The request is passed on, and its answer dropped with the connection. */
  | 'drop-answer'
  | undefined;

/** A request as the proxy sees it. */
export interface SeenRequest {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
}

/**
 * An HTTP proxy in front of a server; the Host header stays, so that the server names the proxy.
 */
export async function startHttpProxy(
  target: string,
  decide: (request: SeenRequest) => HttpFault,
): Promise<TestProxy> {
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const fault = decide({ method, url, headers });
    request.on('error', () => undefined);
    if (fault && typeof fault === 'object' && 'status' in fault) {
      request.resume();
      response.writeHead(fault.status, fault.headers).end();
      return;
    }
    const upstream = http.request(`http://${target}${url}`, { method, headers, agent });
    upstream.on('error', () => request.socket.destroy());
    upstream.on('response', answer => {
      if (fault === 'drop-answer') return request.socket.resetAndDestroy();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    const limit = fault && typeof fault === 'object' ? fault.resetAfter : undefined;
    let passed = 0;
    request.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (limit !== undefined && passed > limit) {
        upstream.destroy();
        request.socket.resetAndDestroy();
      } else if (!upstream.write(chunk)) {
        request.pause();
        upstream.once('drain', () => request.resume());
      }
    });
    request.on('end', () => upstream.end());
    request.on('close', () => request.complete || upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    agent.destroy();
    await once(server, 'close');
  };
  return { address: addressOf(server.address()), stop };
}

function connectTo(target: string): Socket {
  const [host, port] = target.split(':');
  return connect(Number(port), host);
}

function addressOf(address: AddressInfo | string | null): string {
  return `127.0.0.1:${(address as AddressInfo).port}`;
}
