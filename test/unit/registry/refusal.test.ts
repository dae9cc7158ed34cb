import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, ConnectionLost, Unreachable } from '../../../src/host/http/message.ts';
import {
  adviceFor,
  errorsOf,
  hasErrorCode,
  isEcr,
  refusal,
  unreachable,
} from '../../../src/registry/refusal.ts';

const reference = { registry: 'r.example', origin: 'https://r.example', repository: 'o/x' };
const answer = (status: number, body = '', headers: Answer['headers'] = {}): Answer => ({
  status,
  headers,
  url: new URL('https://r.example/v2/'),
  body: Buffer.from(body),
});

/** What people read of an answer. */
function said(status: number, withLogin: boolean, headers: Answer['headers'] = {}): string {
  const scope = 'repository:o/x:pull,push';
  const refused = { reference, action: 'upload a blob to', scope, withLogin };
  const { message, details } = refusal(answer(status, '', headers), refused);
  assert.equal(
    details.tried,
    `${withLogin ? 'with a login' : 'without a login'}, scope "${scope}"`,
  );
  assert.ok(details.next);
  return message.replace('Could not upload a blob to r.example/o/x: the registry answered ', '');
}

test('an answer is told by its number and by what it means', () => {
  assert.equal(said(401, true), '401, the login was not accepted.');
  assert.equal(said(401, false), '401, a login is needed.');
  assert.equal(said(403, true), '403, access is denied.');
  assert.equal(said(404, true), '404, it does not know the repository.');
  assert.equal(said(413, true), '413, too large.');
  assert.equal(said(429, true), '429, too many requests.');
  const later = { 'retry-after': '7' };
  assert.equal(said(429, true, later), '429, too many requests, and asks to come again in 7 s.');
  assert.equal(said(499, true), '499.');
  assert.equal(said(500, true), '500, a fault of the registry.');
  assert.equal(said(307, true), '307, a redirect that is not followed.');
  assert.equal(said(418, true), '418.');
});

test('what to do depends on the answer, on the registry and on the login', () => {
  const advice = (status: number, withLogin = true, registry = 'r.example') =>
    adviceFor(registry, status, withLogin, 'o/x');
  assert.match(advice(302), /leads to another server/);
  assert.match(advice(429), /or log in/);
  assert.match(advice(500), /the state of r\.example may be public/);
  assert.match(advice(413), /Lower `max-layer-size`/);
  assert.match(advice(401, false), /docker login r\.example/);
  assert.match(advice(403, false), /docker login r\.example/);
  assert.match(advice(401, true), /Check the user name and password for r\.example/);
  assert.match(advice(403), /may write to this repository of r\.example/);
  assert.match(advice(404), /Check the name of the image/);
  for (const status of [401, 403, 404]) {
    assert.match(advice(status, true, 'ghcr.io'), /permissions: packages: write/);
  }
  const ecr = '1.dkr.ecr.eu-west-1.amazonaws.com';
  assert.match(advice(403, true, ecr), /Renew the login \(user "AWS"\)/);
  assert.match(advice(404, true, ecr), /aws ecr create-repository --repository-name o\/x/);
  assert.match(advice(503, true, 'ghcr.io'), /Try again later/);
});

test("Amazon's registries are known by their names", () => {
  for (const name of [
    '1.dkr.ecr.eu-west-1.amazonaws.com',
    '1.dkr.ecr.cn-north-1.amazonaws.com.cn',
    '1.dkr-ecr.us-east-1.on.aws',
    'dkr.ecr.x.amazonaws.com',
  ]) {
    assert.ok(isEcr(name), name);
  }
  for (const name of [
    'public.ecr.aws',
    'xdkr.ecr.a.amazonaws.com',
    '1.dkr.ecr.a.amazonaws.com.x',
  ]) {
    assert.ok(!isEcr(name), name);
  }
});

describe("the registry's own words", () => {
  const errors = (value: unknown) => errorsOf(answer(400, JSON.stringify(value)));

  test('are the first five errors, or the details', () => {
    const many = Array.from({ length: 7 }, (_, at) => ({ code: `C${at}`, message: `m${at}` }));
    const five = ['C0: m0', 'C1: m1', 'C2: m2', 'C3: m3', 'C4: m4'];
    assert.deepEqual(errors({ errors: many }), five);
    assert.deepEqual(errors({ errors: [{ code: 'DENIED' }, { message: 'x' }, null] }), ['DENIED:']);
    assert.deepEqual(errors({ details: 'no way', errors: many }), ['no way']);
    for (const none of [null, [], 5, {}, { errors: 5 }, { details: {} }]) {
      assert.deepEqual(errors(none), []);
    }
    assert.deepEqual(errorsOf(answer(400, '<html>')), []);
    assert.deepEqual(errorsOf(answer(400, `{"details":${'['.repeat(200)}`)), []);
  });

  test('are known by their codes', () => {
    const body = JSON.stringify({ errors: [{ code: 'A', message: '' }, { code: 'B_C' }] });
    assert.ok(hasErrorCode(answer(400, body), 'A') && hasErrorCode(answer(400, body), 'B_C'));
    assert.ok(!hasErrorCode(answer(400, body), 'B') && !hasErrorCode(answer(400), 'A'));
  });

  test('are one line without a login, and not a long one', () => {
    const [line = ''] = errors({
      details: `Basic abc= and bearer\tx.y\n\u001b[1m${'z'.repeat(500)}`,
    });
    assert.match(line, /^Basic \*\*\* and bearer \*\*\* \[1mz+$/);
    assert.ok(line.length < 310);
  });
});

test('a connection that does not last is told with what to check', () => {
  const lost = new ConnectionLost(new Error('reset'));
  const told = unreachable(lost, 'r.example');
  assert.ok(told instanceof Unreachable);
  const { message, details } = told;
  assert.match(message, /^The connection to r\.example failed: reset/);
  assert.match(details.tried ?? '', /more than once/);
  assert.match(details.next ?? '', /HTTPS_PROXY/);
  const untrusted = new ConnectionLost(
    Object.assign(new Error('no'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
  );
  assert.ok(untrusted.untrusted);
  const other = unreachable(untrusted, 'r.example');
  assert.ok(other instanceof Unreachable);
  assert.equal(other.details.tried, undefined);
  assert.match(other.details.next ?? '', /SSL_CERT_FILE/);
  const fault = new Error('a defect');
  assert.equal(unreachable(fault, 'r.example'), fault);
});
