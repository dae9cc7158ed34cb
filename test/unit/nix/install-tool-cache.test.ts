import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Host } from '../../../src/host/host.ts';
import type { Transport } from '../../../src/nix/install/download.ts';
import { throughToolCache } from '../../../src/nix/install/tool-cache.ts';
import { quietHost } from '../../tools/host.ts';

const bytes = 'the bytes of a tarball';
const sha256 = createHash('sha256').update(bytes).digest('hex');
const url = new URL('https://releases.example/nix.tar.xz');
const release = { url, sha256, version: '2.35.2' };
const system = 'x86_64-linux';

let folder = '';
let asked: string[] = [];
let host: Host;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tool-cache-test-'));
  asked = [];
  const env = { RUNNER_ENVIRONMENT: 'self-hosted', RUNNER_TOOL_CACHE: join(folder, 'tools') };
  // where the library looks
  Object.assign(process.env, { RUNNER_TOOL_CACHE: env.RUNNER_TOOL_CACHE, RUNNER_TEMP: folder });
  host = quietHost({ env });
});

afterEach(async () => {
  delete process.env.RUNNER_TOOL_CACHE;
  delete process.env.RUNNER_TEMP;
  await rm(folder, { recursive: true });
});

/** A server that gives `content` and writes down what it was asked for. */
const serverOf = (content: string): Transport => ({
  probe: async () => {
    asked.push('probe');
  },
  download: async (_, file) => {
    asked.push('download');
    await writeFile(file, content);
  },
});

/** What an installation gets, from a tool cache that knows the release's checksum. */
async function fetched(content = bytes): Promise<string> {
  const transport = throughToolCache(release, system, host, serverOf(content));
  const file = join(folder, 'nix.tar.xz');
  await transport.probe(url, host);
  await transport.download(url, file, host);
  return readFile(file, 'utf8');
}

test('the second job on a machine of one’s own downloads no Nix', async () => {
  assert.equal(await fetched(), bytes);
  assert.deepEqual(asked, ['probe', 'download']);
  assert.equal(await fetched('another release'), bytes);
  assert.deepEqual(asked, ['probe', 'download']);
});

test('what is not the release is not kept, and what was spoilt is fetched again', async () => {
  assert.equal(await fetched('a page of the proxy'), 'a page of the proxy');
  assert.equal(await fetched(), bytes);
  const kept = (await readdir(folder, { recursive: true })).find(name =>
    /tools.*tar\.xz$/.test(name),
  );
  assert.ok(kept);
  await writeFile(join(folder, kept), 'spoilt');
  assert.equal(await fetched(), bytes);
  assert.equal(asked.filter(each => each === 'download').length, 3);
});

test('a tool cache that cannot be written to is no reason to fail', async () => {
  await writeFile(join(folder, 'tools'), 'a file in place of the folder');
  assert.equal(await fetched(), bytes);
});

test('a hosted runner is thrown away, so nothing is kept there', async () => {
  host = { ...host, env: { ...host.env, RUNNER_ENVIRONMENT: 'github-hosted' } };
  await fetched();
  await assert.rejects(readdir(join(folder, 'tools')));
});
