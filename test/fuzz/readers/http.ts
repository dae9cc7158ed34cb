import fc from 'fast-check';
import { shownAddress, withoutLogin } from '../../../src/host/http/address.ts';
import { type HttpRequest, headerNumber, type Send } from '../../../src/host/http/message.ts';
import { following } from '../../../src/host/http/redirect.ts';
import { asksTooMuch, retryAfterMs, usualRetries } from '../../../src/host/http/retry.ts';
import { fuzzed } from '../reader.ts';

const location = fc.oneof(
  fc.constantFrom(
    '/again',
    '//[',
    'http://[',
    'file:///etc/passwd',
    'data:text/plain,hi',
    'http://r.example/x',
    'https://r.example:8443/x',
    'https://u:p@other.example/',
    '//other.example/x',
    'https:other.example',
    '\\\\other.example',
    'https://r.example.other.example/',
    'https://other.example#@r.example/',
    '',
  ),
  fc.webUrl(),
  fc.string(),
);

const secret = 'secret';

/** Where a request went, and what it took along. */
function checkHop({ url, headers, body }: HttpRequest): void {
  const home = url.origin === 'https://r.example';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(url.href);
  if (url.username !== '' || url.password !== '') throw new TypeError(`a login of others: ${url}`);
  if (!home && (headers?.Authorization || body)) throw new TypeError(`it took a secret to ${url}`);
}

const text = fc.oneof(
  fc.string(),
  fc.bigInt({ min: -5n, max: 2n ** 80n }).map(String),
  fc.double().map(String),
  fc.date().map(date => (Number.isNaN(date.getTime()) ? 'GMT' : date.toUTCString())),
  fc.constantFrom('9'.repeat(400), '0x10', '1e9', ' 7 ', '-0', 'Thu, 01 Jan 9999 00:00:00 GMT'),
);

const address = fc
  .tuple(
    fc.constantFrom(
      'https://',
      'http://',
      '//',
      'ssh-ng://',
      's3://',
      'HTTPS:\\\\',
      ' https://',
      '',
    ),
    fc.oneof(fc.string(), fc.constantFrom('user', 'a@b', '%40')),
    fc.constantFrom('', ':word', ':w/rd', ':w?rd#', '@', ':@'),
    fc.oneof(fc.string(), fc.constantFrom('host.example/a?b=c#d', 'host:99999', '[::1]:80/x')),
  )
  .map(([scheme, user, word, rest]) => `${scheme}${user}${word}@${rest}`);

export const readers = [
  fuzzed({
    name: 'Locations one after the other',
    cases: fc.tuple(fc.array(location, { maxLength: 12 }), fc.boolean()),
    read: async ([locations, withBody]) => {
      let hops = 0;
      const send: Send = async request => {
        checkHop(request);
        const next = locations[hops++];
        const headers = next === undefined ? {} : { location: next };
        const body = (async function* () {})();
        return { status: next === undefined ? 200 : 307, headers, url: request.url, body };
      };
      await following(send)({
        method: withBody ? 'POST' : 'GET',
        url: new URL('https://r.example/'),
        headers: { Authorization: secret },
        ...(withBody ? { body: Buffer.from(secret) } : {}),
      });
    },
  }),
  fuzzed({
    name: 'numbers in headers',
    cases: text,
    read: value => {
      const policy = usualRetries({ clock: () => Date.UTC(2026, 0), emit: () => undefined });
      const headers = { 'retry-after': value, 'content-length': value };
      const answer = { status: 429, headers, url: new URL('https://r.example'), body: Buffer.of() };
      const wait = retryAfterMs(value, policy.clock);
      if (wait !== undefined && !(wait >= 0)) throw new TypeError(`it waits ${wait} ms`);
      if (!asksTooMuch(answer, policy) && (wait ?? 0) > 300_000) throw new TypeError('it waits');
      const length = headerNumber(answer, 'content-length', 1000);
      if (length !== undefined && !(length >= 0 && length <= 1000)) throw new TypeError();
    },
  }),
  fuzzed({
    name: 'address with a login',
    cases: address,
    read: given => {
      const stored = withoutLogin(given);
      if (URL.canParse(stored) && new URL(stored).password !== '') throw new TypeError(stored);
      if (withoutLogin(stored) !== stored) throw new TypeError(`there was another: ${stored}`);
      if (/[?#]/.test(shownAddress(given))) throw new TypeError(given);
    },
  }),
];
