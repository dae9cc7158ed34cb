import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A binary cache that lets its first question wait until it is told what to answer. */
export interface SlowCache {
  url: string;
  /** Resolves with the first question. */
  asked: Promise<void>;
  /** Resolves when who asked first has gone without an answer. */
  left: Promise<void>;
  /** Answers it, and all later ones in the same way. `well`: as a cache that has nothing. */
  answer(how: 'well' | number): void;
  /** Headers `authorization` of all questions. */
  logins: (string | undefined)[];
}

/** A cache for one test; `login`: the header without which all is refused once it answers. */
export async function startSlowCache(t: TestContext, login?: string): Promise<SlowCache> {
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const held: (() => void)[] = [];
  const logins: SlowCache['logins'] = [];
  let how: 'well' | number | undefined;
  const answer = ({ url, headers }: IncomingMessage, response: ServerResponse) => {
    if (login !== undefined && headers.authorization !== login) {
      return response.writeHead(401).end();
    }
    if (how !== 'well') return response.writeHead(how ?? 500).end();
    if (url === '/nix-cache-info') return response.end('StoreDir: /nix/store\n');
    return response.writeHead(404).end();
  };
  const server = createServer((request, response) => {
    logins.push(request.headers.authorization);
    const give = () => answer(request, response);
    if (how !== undefined) return give();
    held.push(give);
    response.once('close', () => response.writableEnded || left.resolve());
    return asked.resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: asked.promise,
    left: left.promise,
    answer: given => {
      how = given;
      for (const give of held) give();
    },
    logins,
  };
}
