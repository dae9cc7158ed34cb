import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Failure } from '../../../../src/host/failure.ts';
import { proxyFor } from '../../../../src/host/http/proxy.ts';

const by = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.href;

test('the proxy of the address, of all addresses, or none; small letters first', () => {
  assert.equal(by('https://r.example/', {}), undefined);
  assert.equal(by('https://r.example/', { HTTPS_PROXY: '' }), undefined);
  assert.equal(by('https://r.example/', { HTTP_PROXY: 'http://p:1' }), undefined);
  assert.equal(by('http://r.example/', { HTTP_PROXY: 'http://p:1' }), 'http://p:1/');
  assert.equal(by('https://r.example/', { all_proxy: 'https://p:1' }), 'https://p:1/');
  const both = { https_proxy: 'http://small:1', HTTPS_PROXY: 'http://large:1' };
  assert.equal(by('https://r.example/', both), 'http://small:1/');
  for (const here of ['localhost:5000', '127.0.0.1', '[::1]:5000']) {
    assert.equal(by(`http://${here}/`, { HTTP_PROXY: 'http://p:1' }), undefined);
  }
});

test('a proxy without a scheme is one of HTTP', () => {
  const written = [
    'proxy.example:3128',
    'me:secret@proxy.example:3128',
    '10.1.2.3:3128',
    '[fd00::1]:1',
  ];
  assert.deepEqual(
    written.map(HTTPS_PROXY => by('https://r.example/', { HTTPS_PROXY })),
    written.map(each => `http://${each}/`),
  );
});

test('what NO_PROXY lists is reached directly, and nothing else', () => {
  const direct = (NO_PROXY: string, host: string) =>
    by(`https://${host}/`, { HTTPS_PROXY: 'p:1', NO_PROXY }) === undefined;
  const cases: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.20.30.40', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '10.example', false],
    ['172.16.0.0/12, 192.168.1.5', '172.31.255.255:5000', true],
    ['172.16.0.0/12 192.168.1.5', '192.168.1.5', true],
    ['192.168.1.5', '192.168.1.50', false],
    ['fd00::/8', '[fd12:3456::1]:5000', true],
    ['[fd12:3456::1]', '[fd12:3456::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['lan', 'registry.lan:5000', true],
    ['lan', 'lan', true],
    ['lan', 'wlan', false],
    ['.corp.example', 'corp.example', true],
    ['*.corp.example', 'a.b.corp.example', true],
    ['corp.example', 'notcorp.example', false],
    ['Corp.Example', 'r.corp.example', true],
    ['r.example:5000', 'r.example:5000', true],
    ['r.example:5000', 'r.example', false],
    ['r.example:443', 'r.example', true],
    ['*', 'anything.example', true],
    ['10.0.0.0/99,10.0.0.0/x,/,', '10.0.0.1', false],
  ];
  for (const [list, host, expected] of cases) {
    assert.equal(direct(list, host), expected, `${list} and ${host}`);
  }
});

test('a proxy that cannot be used is one sentence, without its password', () => {
  const failureOf = (HTTPS_PROXY: string) => {
    try {
      return by('https://r.example/', { HTTPS_PROXY });
    } catch (error) {
      return error;
    }
  };
  const wrong = ['socks5://me:hidden@p:1', 'socks5h://p:1', 'http://me:hidden@', 'ftp://p', ':::'];
  for (const each of wrong) {
    const failure = failureOf(each);
    assert.ok(failure instanceof Failure, each);
    assert.match(failure.message, /^HTTPS_PROXY (names a SOCKS proxy|is not the address of)/);
    assert.doesNotMatch(inspect(failure), /hidden/);
  }
});
