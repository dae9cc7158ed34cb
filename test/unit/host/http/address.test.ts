import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shownAddress, withoutLogin } from '../../../../src/host/http/address.ts';

test('an address is stored without a login, and is else what it was', () => {
  const addresses = {
    'https://TOKEN@cache.example/path?priority=10#f': 'https://cache.example/path?priority=10#f',
    'https://user:word@cache.example': 'https://cache.example',
    'https://user:w@rd@cache.example/a': 'https://cache.example/a',
    'HTTPS://user:word@cache.example/a@b': 'HTTPS://cache.example/a@b',
    'https:\\\\user:word@cache.example/a': 'https:\\\\cache.example/a',
    'ssh-ng://builder@machine': 'ssh-ng://machine',
    '//user:word@host/a': '//host/a',
    // a slash in a password ends the host to a parser, and makes a port of what is none
    'https://user:wo/rd@cache.example/a': 'https://cache.example/a',
    'https://cache.example/@scope/name': 'https://cache.example/@scope/name',
    'https://cache.example?mail=a@b': 'https://cache.example?mail=a@b',
    's3://bucket?region=eu': 's3://bucket?region=eu',
    'file:///nix/cache@1': 'file:///nix/cache@1',
    'github:owner/repo': 'github:owner/repo',
    'https:user:word@cache.example/a': 'https:cache.example/a',
    'https:///user:word@cache.example/a': 'https:///cache.example/a',
    daemon: 'daemon',
    '': '',
  };
  for (const [given, wanted] of Object.entries(addresses)) {
    assert.equal(withoutLogin(given), wanted, given);
  }
});

test('an address is shown without what may be secret', () => {
  assert.equal(
    shownAddress('https://user:word@example.org/a.whl?token=t#f'),
    'https://example.org/a.whl',
  );
});

test('whatever a login is made of, nothing of it is left', () => {
  const text = fc.string({ minLength: 3, maxLength: 12 }).map(each => `SECRET${each}`);
  fc.assert(
    fc.property(fc.constantFrom('https', 'http', 's3', 'ftp'), text, text, (scheme, user, word) => {
      const address = `${scheme}://${encodeURIComponent(user)}:${word}@host.example/a`;
      // past a query or a fragment nobody takes it for a login any more: it is not shown
      assert.doesNotMatch(shownAddress(address), /SECRET/, address);
    }),
    { numRuns: 2000 },
  );
});
