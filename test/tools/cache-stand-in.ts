import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { serve } from './http-server.ts';

/** How a cache answers questions for paths and files, or for files alone; it always tells what it is. */
export type Mood = 'well' | 'silent' | 'busy' | 'broken' | 'broken-files';

export interface MoodyCache {
  url: string;
  mood: Mood;
  /** What it was asked for, but for /nix-cache-info. */
  asked: string[];
  stop(): Promise<void>;
}

/**
 * A binary cache over HTTP with the files of a folder, which says of itself that it is well in whatever
 * mood: `silent` never answers, `busy` answers 429 and wants a minute, `broken` answers 503.
 */
export async function startMoodyCache(folder: string): Promise<MoodyCache> {
  const self: MoodyCache = { url: '', mood: 'well', asked: [], stop: async () => undefined };
  const { url, stop } = await serve((request, response) => {
    const path = request.url ?? '/';
    if (path === '/nix-cache-info') {
      return response.end('StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n');
    }
    self.asked.push(path);
    const mood = self.mood === 'broken-files' && !path.startsWith('/nar/') ? 'well' : self.mood;
    if (mood === 'silent') return;
    if (mood === 'busy') return response.writeHead(429, { 'retry-after': '60' }).end();
    if (mood !== 'well') return response.writeHead(503).end();
    createReadStream(join(folder, path))
      .once('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  return Object.assign(self, { url, stop });
}

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
  const { url, stop } = await serve((request, response) => {
    logins.push(request.headers.authorization);
    const give = () => answer(request, response);
    if (how !== undefined) return give();
    held.push(give);
    response.once('close', () => response.writableEnded || left.resolve());
    return asked.resolve();
  });
  t.after(stop);
  return {
    url,
    asked: asked.promise,
    left: left.promise,
    answer: given => {
      how = given;
      for (const give of held) give();
    },
    logins,
  };
}

/** A binary cache that tells what was taken from it. */
export interface CountedCache {
  /** Where paths are copied to. */
  folder: string;
  url: string;
  /** The store paths that were taken since it was asked before: names without hashes, bytes of NARs. */
  taken(): { name: string; bytes: number }[];
}

/** An empty cache for one test. */
export async function startCountedCache(t: TestContext): Promise<CountedCache> {
  const folder = await mkdtemp(join(tmpdir(), 'counted-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const nameOf = new Map<string, string>();
  let taken: ReturnType<CountedCache['taken']> = [];
  const { url, stop } = await serve(async (request, response) => {
    const path = request.url ?? '/';
    const content = await readFile(join(folder, path)).catch(() => undefined);
    if (content === undefined) return response.writeHead(404).end();
    if (path.startsWith('/nar/')) {
      taken.push({ name: nameOf.get(path) ?? path, bytes: content.length });
    } else if (path.endsWith('.narinfo')) {
      const [, name = ''] = /^StorePath: .*\/[0-9a-z]{32}-(.*)$/m.exec(`${content}`) ?? [];
      const [, nar = ''] = /^URL: (.*)$/m.exec(`${content}`) ?? [];
      nameOf.set(`/${nar}`, name);
    }
    return response.end(content);
  });
  t.after(stop);
  const takeAll = () => {
    const all = taken;
    taken = [];
    return all;
  };
  return { folder: `file://${folder}`, url, taken: takeAll };
}
