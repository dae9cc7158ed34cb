import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cachixSubstituters } from '../../../src/caches/cachix.ts';
import { readCache } from '../../../src/caches/cachix-api.ts';
import { type ServedCache, startCachixApi } from '../../tools/cachix-stand-in/api.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';

const open: ServedCache = {
  publicSigningKeys: ['open.cachix.org-1:aaaa='],
  uri: 'https://open.cachix.org',
};
const closed: ServedCache = {
  publicSigningKeys: ['closed.cachix.org-1:bbbb=', 'closed.cachix.org-2:cccc='],
  uri: 'https://closed.cachix.org',
  token: 'secret',
};

async function api(test: TestContext, caches: Record<string, ServedCache> = { open, closed }) {
  const server = await startCachixApi(caches);
  test.after(server.stop);
  return server;
}

test('a public cache: its address and key, without a token and without netrc', async t => {
  const { api: address, requests } = await api(t);
  const host = quietHost();
  assert.deepEqual(await cachixSubstituters(['open', 'open'], undefined, host, address), {
    substituters: [{ url: open.uri, publicKeys: open.publicSigningKeys }],
    netrc: [],
    leftOut: [],
  });
  assert.deepEqual(requests, [{ path: '/api/v1/cache/open', authorization: undefined }]);
});

test('a private cache: all its keys, and its token in a line of netrc', async t => {
  const { api: address } = await api(t);
  const host = quietHost();
  assert.deepEqual(await cachixSubstituters(['open', 'closed'], 'secret', host, address), {
    substituters: [
      { url: open.uri, publicKeys: open.publicSigningKeys },
      { url: closed.uri, publicKeys: closed.publicSigningKeys },
    ],
    netrc: ['machine closed.cachix.org password secret'],
    leftOut: [],
  });
});

test('a cache that cannot be used is left out, and the others are not', async t => {
  const noKeys = { ...open, publicSigningKeys: [] };
  const injected = { ...open, uri: 'https://x.cachix.org\nsandbox = false' };
  const { api: address } = await api(t, { open, closed, noKeys, injected });
  const host = quietHost();
  const names = ['missing', 'closed', 'broken', 'noKeys', 'injected', 'open'];
  const { substituters, netrc, leftOut } = await cachixSubstituters(
    names,
    'wrong-token',
    host,
    address,
  );
  assert.deepEqual(
    substituters.map(({ url }) => url),
    [open.uri],
  );
  assert.deepEqual(netrc, []);
  assert.equal(leftOut.length, 5);
  const told = leftOut.map(({ cache, reason }) => `${cache}: ${reason}`);
  assert.match(told[0] ?? '', /^missing\.cachix\.org: .*HTTP status 404/);
  assert.match(told[1] ?? '', /^closed\.cachix\.org: .*token is not for it.*401/);
  assert.match(told[2] ?? '', /^broken\.cachix\.org: its answer is no JSON/);
  assert.match(told[3] ?? '', /^noKeys\.cachix\.org: its answer is not understood/);
  assert.match(told[4] ?? '', /^injected\.cachix\.org: its answer is not understood/);
  assert.ok(!told.join().includes('wrong-token'));
});

test('a private cache without a token says what is missing', async t => {
  const { api: address } = await api(t);
  const host = quietHost();
  const { leftOut } = await cachixSubstituters(['closed'], undefined, host, address);
  assert.match(leftOut[0]?.reason ?? '', /it is private and needs a token/);
});

test('Cachix is asked through the proxy', async t => {
  const asked: string[] = [];
  const proxy = await serve((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify({ ...open, name: 'open', isPublic: true }));
  });
  t.after(proxy.stop);
  const host = quietHost({ env: { HTTP_PROXY: proxy.url } });
  const pull = await cachixSubstituters(['open'], undefined, host, 'http://cachix.test/api/v1');
  assert.deepEqual(asked, ['http://cachix.test/api/v1/cache/open']);
  assert.deepEqual(pull.substituters, [{ url: open.uri, publicKeys: open.publicSigningKeys }]);
});

test('where nobody listens, the reason says so', async () => {
  const server = await startCachixApi({});
  await server.stop();
  const host = quietHost();
  const { leftOut } = await cachixSubstituters(['open'], undefined, host, server.api);
  assert.match(leftOut[0]?.reason ?? '', /ECONNREFUSED/);
});

test('what would mean something else in nix.conf is no cache', () => {
  const { publicSigningKeys, uri } = open;
  const right = { name: 'open', isPublic: true, publicSigningKeys, uri };
  const odd = [
    { ...right, uri: 'file:///nix/store' },
    { ...right, uri: 'https://x.cachix.org#' },
    { ...right, name: 'open\u001b[2J' },
    { ...right, publicSigningKeys: ['a:b #c'] },
  ];
  for (const cache of odd) {
    assert.deepEqual(readCache(JSON.stringify(cache)), { reason: 'its answer is not understood' });
  }
  assert.deepEqual(readCache('<html>'), { reason: 'its answer is no JSON' });
  assert.ok('uri' in readCache(JSON.stringify(right)));
});
