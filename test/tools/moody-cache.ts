import { createReadStream } from 'node:fs';
import { join } from 'node:path';
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
