import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { probeSubstituters } from '../../../src/caches/probe.ts';
import { rememberAnswers, rememberedAnswers } from '../../../src/caches/probe-memory.ts';
import type { CacheFault } from '../../../src/caches/types.ts';
import type { Host } from '../../../src/host/host.ts';
import { patience } from '../../../src/host/limits.ts';
import { startTcpProxy } from '../../tools/faulty-proxy.ts';
import { quietHost } from '../../tools/host.ts';

const info = 'StoreDir: /nix/store\nWantMassQuery: 1\n';
const requests: { url: string; authorization: string | undefined }[] = [];
/** Status by the first part of the path: of /nix-cache-info, and of a narinfo. */
const statuses: Readonly<Record<string, readonly [number, number]>> = {
  cache: [200, 404],
  bucket: [200, 403],
  gone: [404, 404],
  closed: [403, 403],
  busy: [200, 429],
  broken: [200, 500],
};
const server = http.createServer(({ url = '', headers }, response) => {
  requests.push({ url, authorization: headers.authorization });
  const [, name = '', rest = ''] = url.split('/');
  const isInfo = rest === 'nix-cache-info';
  if (name === 'page') return response.end('<html>');
  if (name === 'silent' && !isInfo) return;
  if (name === 'private' && headers.authorization === undefined) {
    return response.writeHead(401).end();
  }
  const [ofInfo, ofPath] = statuses[name] ?? [200, 404];
  const status = isInfo ? ofInfo : ofPath;
  return response.writeHead(status).end(status === 200 ? info : '');
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

const hostWith = (env: Host['env'] = {}) => quietHost({ env });

const turn = () => new Promise(resolve => setImmediate(resolve));

const fault = (reason: string, more: Partial<CacheFault> = {}) => ({
  reason,
  wantsLogin: false,
  stalls: false,
  ...more,
});

test('a cache is used when it answers as one, a path that it lacks too; the rest have reasons', async () => {
  const names = [
    'cache',
    'cache/?priority=1',
    'bucket',
    'page',
    'gone',
    'closed',
    'busy',
    'broken',
  ];
  const urls = names.map(name => `${base}/${name}`);
  const unusable = await probeSubstituters([...urls, 's3://bucket'], '', hostWith());
  assert.deepEqual(
    [...unusable],
    [
      [`${base}/page`, fault('its /nix-cache-info is not that of a binary cache')],
      [`${base}/gone`, fault('it answers 404')],
      [`${base}/closed`, fault('it answers 403', { wantsLogin: true })],
      [`${base}/busy`, fault('it answers 429 to the question for a path', { stalls: true })],
      [`${base}/broken`, fault('it answers 500 to the question for a path')],
    ],
  );
});

test('names that nobody knows have one reason', async () => {
  const tooLong = 'x'.repeat(64); // so that no server is asked for it
  const urls = [`http://one.${tooLong}`, `http://two.${tooLong}`];
  const unusable = await probeSubstituters(urls, '', hostWith());
  const unknown = fault('the name cannot be resolved');
  assert.deepEqual([...unusable.values()], [unknown, unknown]);
});

test('a private cache is asked with the login of the netrc file, or of its address', async () => {
  const address = `${base}/private`;
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const logins = async (url: string, netrc: string) => {
    requests.length = 0;
    const unusable = await probeSubstituters([url], netrc, hostWith());
    return [unusable.size, ...new Set(requests.map(({ authorization }) => authorization))];
  };
  assert.deepEqual(await logins(address, ''), [1, undefined]);
  // without a user, as Cachix has it
  const ofCachix = 'machine 127.0.0.1 password hunter2';
  assert.deepEqual(await logins(address, ofCachix), [0, basic(':hunter2')]);
  assert.deepEqual(await logins(address, 'default\nlogin a password b'), [0, basic('a:b')]);
  assert.deepEqual(await logins(address, 'machine other password b'), [1, undefined]);
  const ofAddress = address.replace('//', '//me:p%40ss@');
  assert.deepEqual(await logins(ofAddress, ofCachix), [0, basic('me:p@ss')]);
  const named = address.replace('//', '//me@');
  const ofMe = 'machine 127.0.0.1 login you password x\nmachine 127.0.0.1 login me password y';
  assert.deepEqual(await logins(named, ofMe), [0, basic('me:y')]);
});

test('caches that take the request and never answer cost one wait for all', async t => {
  // a name that @types/node does not know yet
  t.mock.timers.enable({ apis: ['AbortSignal.timeout' as 'setTimeout'] });
  const hole = await startTcpProxy('127.0.0.1:1', () => ({ blackHole: true }));
  t.after(hole.stop);
  requests.length = 0;
  const urls = ['/a', '/b', '/c'].map(path => `http://${hole.address}${path}`);
  const silent = `${base}/silent`;
  const probing = probeSubstituters([...urls, silent, `${base}/cache`], '', hostWith());
  const narinfos = () => requests.filter(({ url }) => url.endsWith('.narinfo')).length;
  while (hole.connections() < 3 || narinfos() < 2) await turn();
  await turn(); // the answer of the one that is well arrives
  t.mock.timers.tick(patience.substituters);
  const unusable = await probing;
  assert.deepEqual(
    [...unusable],
    [
      ...urls.map(url => [url, fault('no answer in 5 s', { stalls: true })]),
      [silent, fault('no answer to the question for a path in 5 s', { stalls: true })],
    ],
  );
});

test('in a workflow an answer holds for the job, in a file that tells no address and no login', async () => {
  const host = hostWith({ GITHUB_ACTIONS: 'true', RUNNER_TEMP: folder });
  const file = join(folder, 'comfy-nix-substituters.json');
  await writeFile(file, 'null', { mode: 0o644 }); // as somebody else may have left it
  const secret = `${base}/private`.replace('//', '//hunter2@');
  requests.length = 0;
  for (const _ of [1, 2]) {
    const unusable = await probeSubstituters([`${base}/cache`, `${base}/gone`, secret], '', host);
    assert.deepEqual([...unusable], [[`${base}/gone`, fault('it answers 404')]]);
  }
  assert.equal(requests.length, 5);
  const text = await readFile(file, 'utf8');
  assert.doesNotMatch(text, /hunter2|127\.0\.0\.1/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  // another login is another question
  await probeSubstituters([`${base}/private`], 'default password x', host);
  assert.equal(requests.length, 7);
});

test('answers of two probes at once are remembered both', async t => {
  const own = await mkdtemp(join(tmpdir(), 'probes-'));
  t.after(() => rm(own, { recursive: true }));
  const env = { GITHUB_ACTIONS: 'true', RUNNER_TEMP: own };
  const keys = Array.from({ length: 20 }, (_, at) => `key ${at}`);
  await Promise.all(keys.map(key => rememberAnswers(new Map([[key, undefined]]), env)));
  assert.deepEqual([...(await rememberedAnswers(env)).keys()].sort(), keys.sort());
});
