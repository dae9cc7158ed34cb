import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { probeSubstituters } from '../../../src/caches/probe.ts';
import type { Host } from '../../../src/host/host.ts';
import { startTcpProxy } from '../../tools/faulty-proxy.ts';

const info = 'StoreDir: /nix/store\nWantMassQuery: 1\n';
const requests: { url: string; authorization: string | undefined }[] = [];
const server = http.createServer(({ url = '', headers }, response) => {
  requests.push({ url, authorization: headers.authorization });
  if (url === '/cache/nix-cache-info') response.end(info);
  else if (url === '/page/nix-cache-info') response.end('<html>');
  else response.writeHead(403).end();
});
let base = '';
let folder = '';

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'probe-'));
});

after(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

function hostWith(env: Host['env'] = {}): Host {
  return {
    env,
    clock: () => 0,
    emit: () => undefined,
    run: () => assert.fail('a program was run'),
  };
}

test('a cache is used when it answers as one; the rest have reasons', async () => {
  const urls = [`${base}/cache`, `${base}/cache/?priority=1`, `${base}/page`, `${base}/gone`];
  const unusable = await probeSubstituters([...urls, 's3://bucket'], [], hostWith());
  assert.deepEqual(
    [...unusable],
    [
      [`${base}/page`, 'its /nix-cache-info is not that of a binary cache'],
      [`${base}/gone`, 'it answers 403'],
    ],
  );
});

test('names that nobody knows have one reason', async () => {
  const tooLong = 'x'.repeat(64); // so that no server is asked for it
  const urls = [`http://one.${tooLong}`, `http://two.${tooLong}`];
  const unusable = await probeSubstituters(urls, [], hostWith());
  assert.deepEqual([...unusable.values()], Array(2).fill('the name cannot be resolved'));
});

test('a private cache is asked with the login of its netrc line, whose user may be missing', async () => {
  requests.length = 0;
  await probeSubstituters([`${base}/cache`], ['machine 127.0.0.1 password hunter2'], hostWith());
  const expected = `Basic ${Buffer.from(':hunter2').toString('base64')}`;
  assert.deepEqual(requests, [{ url: '/cache/nix-cache-info', authorization: expected }]);
});

test('caches that take the request and never answer cost one wait for all', async () => {
  const hole = await startTcpProxy('127.0.0.1:1', () => ({ blackHole: true }));
  const urls = ['/a', '/b', '/c'].map(path => `http://${hole.address}${path}`);
  const unusable = await probeSubstituters([...urls, `${base}/cache`], [], hostWith());
  assert.deepEqual(
    [...unusable],
    urls.map(url => [url, 'no answer in 5 s']),
  );
  await hole.stop();
});

test('in a workflow an answer holds for the job', async () => {
  const host = hostWith({ GITHUB_ACTIONS: 'true', RUNNER_TEMP: folder });
  requests.length = 0;
  for (const _ of [1, 2]) {
    const unusable = await probeSubstituters([`${base}/cache`, `${base}/gone`], [], host);
    assert.deepEqual([...unusable], [[`${base}/gone`, 'it answers 403']]);
  }
  assert.equal(requests.length, 2);
});
