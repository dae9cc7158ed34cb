import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cacheService } from '../../../src/caches/github/service.ts';
import type { ProgressEvent } from '../../../src/host/events.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';
import { type GithubCacheServer, startGithubCacheServer } from '../../tools/github-cache-server.ts';

/** A service, a folder with a file, and what the run was told. */
async function setUp(t: TestContext, change: (server: GithubCacheServer) => void = () => {}) {
  const root = await mkdtemp(join(tmpdir(), 'github-cache-'));
  const server = await startGithubCacheServer();
  t.after(async () => {
    await server.stop();
    await rm(root, { recursive: true, force: true });
  });
  change(server);
  // the library reads the environment of the process
  Object.assign(process.env, server.env, { RUNNER_TEMP: root, GITHUB_WORKSPACE: root });
  const events: ProgressEvent[] = [];
  const host: Host = {
    env: { ...process.env },
    clock: () => 0,
    run: processRunner(process.env),
    emit: event => events.push(event),
  };
  const folder = join(root, 'kept');
  await mkdir(folder);
  await writeFile(join(folder, 'file'), 'content');
  const warnings = () => events.flatMap(e => (e.type === 'warning' ? [e.message] : []));
  return { server, host, folder, warnings };
}

/** What the work writes to standard output. */
async function printed(work: () => Promise<void>): Promise<string> {
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
  return text;
}

test('what is saved is restored, by its key and by a prefix, and a miss is nothing', async t => {
  const { server, host, folder, warnings } = await setUp(t);
  const service = cacheService(host);
  assert.equal(await service.restore([folder], 'layer-1', ['layer-']), undefined);
  assert.equal(await service.save([folder], 'layer-1'), 'saved');
  await rm(folder, { recursive: true });
  assert.equal(await service.restore([folder], 'layer-1', []), 'layer-1');
  assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'content');
  await rm(folder, { recursive: true });
  assert.equal(await service.restore([folder], 'layer-2', ['layer-']), 'layer-1');
  assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'content');
  assert.equal(await service.restore([`${folder}x`], 'layer-1', ['layer-']), undefined);
  assert.deepEqual(server.keys(), ['layer-1']);
  assert.deepEqual(warnings(), []);
});

test('a key that is taken is no failure', async t => {
  const { host, folder, warnings } = await setUp(t);
  const service = cacheService(host);
  assert.equal(await service.save([folder], 'key'), 'saved');
  assert.equal(await service.save([folder], 'key'), 'present');
  assert.equal(await service.save([folder], 'another'), 'saved');
  assert.deepEqual(warnings(), []);
});

test('a rate limit is one warning, and nothing is asked again', async t => {
  const { server, host, folder, warnings } = await setUp(t, each => {
    each.mood = 'rate-limit';
  });
  const service = cacheService(host);
  assert.equal(await service.restore([folder], 'key', []), undefined);
  assert.equal(await service.save([folder], 'key'), 'failed');
  assert.deepEqual(server.calls, ['GetCacheEntryDownloadURL']);
  assert.equal(warnings().length, 1);
  assert.match(warnings()[0] ?? '', /429/);
});

test('a rate limit on saving is told as one, and not as another job', async t => {
  const { server, host, folder, warnings } = await setUp(t);
  server.mood = 'rate-limit';
  assert.equal(await cacheService(host).save([folder], 'key'), 'failed');
  assert.match(warnings().join(), /Rate limited.*429/);
});

test('a full quota is told as one', async t => {
  const { server, host, folder, warnings } = await setUp(t);
  server.mood = 'full';
  assert.equal(await cacheService(host).save([folder], 'key'), 'failed');
  assert.match(warnings().join(), /quota has been hit/);
});

test('a service that cannot be reached is one warning with the reason', async t => {
  const { server, host, folder, warnings } = await setUp(t);
  await server.stop();
  const service = cacheService(host);
  assert.equal(await service.restore([folder], 'key', []), undefined);
  assert.equal(await service.save([folder], 'key'), 'failed');
  assert.equal(warnings().length, 1);
  assert.match(warnings()[0] ?? '', /ECONNREFUSED/);
});

test('the library prints nothing, and others print meanwhile', async t => {
  const { host, folder } = await setUp(t);
  const service = cacheService(host);
  const text = await printed(async () => {
    const saving = service.save([folder], 'key');
    process.stdout.write('from elsewhere\n');
    await saving;
    await service.restore([folder], 'key', []);
  });
  assert.equal(text, 'from elsewhere\n');
});
