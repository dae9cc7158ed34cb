import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { BlobServiceClient, ContainerSASPermissions } from '@azure/storage-blob';

/** How the server answers: as GitHub does when all is well, or with one of its refusals. */
type Mood = 'well' | 'rate-limit' | 'full';

/** GitHub's cache service, version 2, on loopback: what the real `@actions/cache` talks to. */
export interface GithubCacheServer {
  /** The runner's variables that make an action use it. */
  env: Record<string, string>;
  mood: Mood;
  /** Twirp methods that were called, in order. */
  calls: string[];
  /** Keys of finished entries, in the order in which they were finished. */
  keys(): string[];
  stop(): Promise<void>;
}

interface Entry {
  id: number;
  key: string;
  version: string;
  finished: boolean;
}

/** Published by Microsoft for all emulators of its storage; no secret. */
const account = 'devstoreaccount1';
const accountKey =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Starts Azurite for the bytes, and a Twirp server for the rest. */
export async function startGithubCacheServer(): Promise<GithubCacheServer> {
  const blobs = await startAzurite();
  const entries: Entry[] = [];
  const server = createServer(async (request, response) => {
    const method = /\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(
      request.url ?? '',
    )?.[1];
    if (request.method !== 'POST' || method === undefined) return response.writeHead(404).end();
    state.calls.push(method);
    const [status, answer, headers] = await answerTo(method, await bodyOf(request), {
      entries,
      mood: state.mood,
      urlOf: blobs.urlOf,
    });
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const state: GithubCacheServer = {
    env: {
      ACTIONS_CACHE_SERVICE_V2: 'true',
      ACTIONS_RESULTS_URL: `http://127.0.0.1:${port}/`,
      ACTIONS_RUNTIME_TOKEN: 'a-token-of-the-runner',
    },
    mood: 'well',
    calls: [],
    keys: () => entries.filter(entry => entry.finished).map(entry => entry.key),
    async stop() {
      server.close();
      server.closeAllConnections();
      await blobs.stop();
    },
  };
  return state;
}

type Answer = [status: number, body: object, headers?: Record<string, string>];

interface Service {
  entries: Entry[];
  mood: Mood;
  urlOf: (id: number) => Promise<string>;
}

/** The three methods of the protocol; names of fields as in its Protocol Buffers, in JSON. */
async function answerTo(
  method: string,
  asked: Record<string, unknown>,
  { entries, mood, urlOf }: Service,
): Promise<Answer> {
  if (mood === 'rate-limit') {
    const body = { code: 'resource_exhausted', msg: 'rate limit exceeded' };
    return [429, body, { 'retry-after': '60' }];
  }
  const { key, version } = asked as { key: string; version: string };
  const own = entries.find(entry => entry.key === key && entry.version === version);
  if (method === 'CreateCacheEntry') {
    if (mood === 'full') {
      return [403, { code: 'permission_denied', msg: 'insufficient usage to create the entry' }];
    }
    if (own) return [409, { code: 'already_exists', msg: 'cache entry already exists' }];
    const entry = { id: entries.length + 1, key, version, finished: false };
    entries.push(entry);
    return [200, { ok: true, signed_upload_url: await urlOf(entry.id) }];
  }
  if (method === 'FinalizeCacheEntryUpload') {
    if (!own) return [404, { code: 'not_found', msg: 'no such entry' }];
    own.finished = true;
    return [200, { ok: true, entry_id: String(own.id) }];
  }
  const prefixes = (asked.restore_keys ?? asked.restoreKeys ?? []) as string[];
  const found = findEntry(entries, version, key, prefixes);
  if (!found) return [200, { ok: false }];
  const url = await urlOf(found.id);
  return [200, { ok: true, signed_download_url: url, matched_key: found.key }];
}

/** The key itself, else the newest that begins with it, else with each of the prefixes in turn. */
function findEntry(entries: Entry[], version: string, key: string, prefixes: string[]) {
  const finished = entries.filter(entry => entry.finished && entry.version === version).reverse();
  const exact = finished.find(entry => entry.key === key);
  if (exact) return exact;
  for (const prefix of [key, ...prefixes]) {
    const found = finished.find(entry => entry.key.startsWith(prefix));
    if (found) return found;
  }
  return undefined;
}

/** Azurite with a container of its own; `urlOf` signs an address for a blob, for an hour. */
async function startAzurite() {
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      script,
      ...['--blobHost', '127.0.0.1', '--blobPort', String(port)],
      ...['--inMemoryPersistence', '--skipApiVersionCheck', '--loose', '--disableTelemetry'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('successfully listen')) break;
  }
  child.stdout.resume();
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  const client = BlobServiceClient.fromConnectionString(
    `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`,
  );
  const container = client.getContainerClient('cache');
  await container.create();
  return {
    async urlOf(id: number): Promise<string> {
      const url = await container.generateSasUrl({
        permissions: ContainerSASPermissions.parse('rcw'),
        expiresOn: new Date(Date.now() + 3_600_000),
      });
      return url.replace('/cache?', `/cache/${id}?`);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A port that was free a moment ago: Azurite does not tell which one it got. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}
