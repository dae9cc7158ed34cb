import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CacheService } from '../../../src/caches/github/service.ts';
import { cachedTransport, isWhole } from '../../../src/caches/github/tarball.ts';
import { quietHost } from '../../tools/host.ts';

const url = new URL('https://releases.example/nix.tar.xz');
const host = quietHost();

/** A transport over a cache that holds `cached`, and a server that has "tarball". */
async function setUp(t: TestContext, cached: string | undefined) {
  const root = await mkdtemp(join(tmpdir(), 'tarball-'));
  t.after(() => rm(root, { recursive: true }));
  const sha256 = createHash('sha256').update('tarball').digest('hex');
  const tarball = { file: join(root, 'cached', 'nix.tar.xz'), sha256, key: 'key' };
  const calls: string[] = [];
  const service: CacheService = {
    async restore(paths, key) {
      calls.push(`restore ${key}`);
      assert.deepEqual(paths, [dirname(tarball.file)]);
      if (cached === undefined) return undefined;
      await mkdir(dirname(tarball.file), { recursive: true });
      await writeFile(tarball.file, cached);
      return key;
    },
    save: () => Promise.reject(new Error('nothing is saved here')),
  };
  const server = {
    probe: async () => void calls.push('probe'),
    download: async (_: URL, file: string) => {
      calls.push('download');
      await writeFile(file, 'tarball');
    },
  };
  const transport = cachedTransport(tarball, service, server, () => calls.push('keep'));
  assert.deepEqual(calls, [], 'the cache is asked before anybody needs the tarball');
  const file = join(root, 'wanted');
  await transport.probe(url, host);
  await transport.download(url, file, host);
  return { calls, tarball, content: await readFile(file, 'utf8') };
}

test('a tarball in the cache needs no server', async t => {
  const { calls, content } = await setUp(t, 'tarball');
  assert.deepEqual(calls, ['restore key']);
  assert.equal(content, 'tarball');
});

test('one that is not there is downloaded and kept for the next run', async t => {
  const { calls, content, tarball } = await setUp(t, undefined);
  assert.deepEqual(calls, ['restore key', 'probe', 'download', 'keep']);
  assert.equal(content, 'tarball');
  assert.equal(await isWhole(tarball), true);
});

test('one that is damaged in the cache is downloaded', async t => {
  const { calls, content } = await setUp(t, 'tarbell');
  assert.deepEqual(calls, ['restore key', 'probe', 'download', 'keep']);
  assert.equal(content, 'tarball');
});
