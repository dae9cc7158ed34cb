import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { type Answer, ConnectionLost, type HttpRequest } from '../../../src/host/http/message.ts';
import type { RegistryLogin } from '../../../src/registry/credentials.ts';
import { basicHeader, requestToken } from '../../../src/registry/token.ts';

const password: RegistryLogin = { kind: 'password', username: 'u', password: 'p:w' };
const identity: RegistryLogin = { kind: 'identity-token', token: 'refresh me' };
const basic = `Basic ${Buffer.from('u:p:w').toString('base64')}`;
const scopes = ['repository:o/x:pull,push', 'repository:o/base:pull'];

interface Asking {
  login?: RegistryLogin;
  parameters?: Record<string, string>;
  answer?: { status?: number; body?: unknown };
}

/** Asks for a token; what was sent for it. */
async function ask({ login, parameters, answer = {} }: Asking = {}) {
  const sent: HttpRequest[] = [];
  const exchange = async (request: HttpRequest): Promise<Answer> => {
    sent.push(request);
    const { status = 200, body = { token: 't' } } = answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { status, headers: {}, url: request.url, body: Buffer.from(text) };
  };
  const realm = 'https://auth.example/token?x=y';
  const challenge = { scheme: 'bearer', parameters: parameters ?? { realm, service: 's' } };
  const request = { registry: 'r.example', challenge, scopes, login, now: 1000 };
  const token = await requestToken(request, exchange);
  return { token, sent: sent[0] ?? assert.fail('nothing was sent') };
}

describe('a token is asked for', () => {
  test('by GET with the password, each scope by itself', async () => {
    const { sent } = await ask({ login: password });
    assert.equal(sent.method, 'GET');
    assert.equal(sent.url.origin, 'https://auth.example');
    assert.deepEqual(
      [...sent.url.searchParams],
      [
        ['x', 'y'],
        ['service', 's'],
        ['scope', scopes[0]],
        ['scope', scopes[1]],
      ],
    );
    assert.deepEqual(sent.headers, { authorization: basic });
    assert.equal(sent.body, undefined);
    const { sent: anonymous } = await ask();
    assert.equal(anonymous.headers, undefined);
  });

  test('by POST with an identity token, all scopes in one', async () => {
    const { sent } = await ask({ login: identity });
    assert.equal(sent.method, 'POST');
    assert.equal(sent.url.href, 'https://auth.example/token?x=y');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(String(sent.body))), {
      grant_type: 'refresh_token',
      client_id: 'comfy-nix',
      service: 's',
      scope: scopes.join(' '),
      refresh_token: 'refresh me',
    });
    assert.deepEqual(sent.headers, { 'content-type': 'application/x-www-form-urlencoded' });
  });

  test('by POST with the password, where the server knows no GET', async () => {
    const sent: HttpRequest[] = [];
    const exchange = async (request: HttpRequest): Promise<Answer> => {
      sent.push(request);
      const status = request.method === 'GET' ? 405 : 200;
      return { status, headers: {}, url: request.url, body: Buffer.from('{"access_token":"t"}') };
    };
    const parameters = { realm: 'https://auth.example/token', service: 's' };
    const challenge = { scheme: 'bearer', parameters };
    const request = { registry: 'r.example', challenge, scopes, login: password, now: 1000 };
    assert.equal((await requestToken(request, exchange)).value, 't');
    const [, second] = sent;
    assert.equal(second?.headers?.authorization, undefined);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(String(second?.body))), {
      ...{ grant_type: 'password', client_id: 'comfy-nix', service: 's' },
      ...{ scope: scopes.join(' '), username: password.username, password: password.password },
    });
    const anonymous = requestToken({ ...request, login: undefined }, exchange);
    await assert.rejects(anonymous, /denied the scope .* \(405 from its token server/);
    assert.equal(sent.length, 3);
  });

  test('without a service where none is named', async () => {
    const parameters = { realm: 'https://auth.example/token' };
    assert.equal((await ask({ parameters })).sent.url.searchParams.has('service'), false);
    const { sent } = await ask({ parameters, login: identity });
    assert.equal(new URLSearchParams(String(sent.body)).has('service'), false);
  });

  test('only of a server that a password may be shown to, and without a login in its address', async () => {
    const at = (realm?: string) => ask({ login: password, parameters: realm ? { realm } : {} });
    for (const realm of ['http://auth.example/t', 'ftp://x/', 'nonsense', '/token', undefined]) {
      await assert.rejects(at(realm), /names a token server that cannot be trusted/, realm);
    }
    for (const realm of [
      'http://127.0.0.1:5001/t',
      'http://localhost/t',
      'https://a:b@x.example/',
    ]) {
      const { sent } = await at(realm);
      assert.equal(sent.url.username + sent.url.password, '');
    }
  });
});

test('it is renewed in time: a quarter before its end, and at most ten seconds', async () => {
  const renewedAfter = async (expires_in?: unknown) => {
    const body = { token: 't', ...(expires_in === undefined ? {} : { expires_in }) };
    const { token } = await ask({ answer: { body } });
    return (token.renewAt - 1000) / 1000;
  };
  assert.equal(await renewedAfter(300), 290);
  assert.equal(await renewedAfter('300'), 290);
  assert.equal(await renewedAfter(20), 15);
  assert.equal(await renewedAfter(1), 0.75);
  for (const unsaid of [undefined, 0, -5, 'soon', {}, null, true]) {
    assert.equal(await renewedAfter(unsaid), 50, String(unsaid));
  }
  assert.equal(await renewedAfter(1e300), 86_390);
});

describe('the answer', () => {
  test('has the token in one of two fields', async () => {
    const tokenIn = async (body: unknown) => (await ask({ answer: { body } })).token.value;
    assert.equal(await tokenIn({ token: 'a', access_token: 'b' }), 'a');
    assert.equal(await tokenIn({ access_token: 'b' }), 'b');
    assert.equal(await tokenIn({ token: '', access_token: 'b' }), 'b');
    const longest = 'x'.repeat(32 << 10);
    assert.equal(await tokenIn({ token: longest }), longest);
    for (const body of [
      {},
      null,
      '<html>',
      { token: `${longest}x` },
      { token: 'a b' },
      { token: 5 },
    ]) {
      await assert.rejects(tokenIn(body), /auth\.example answered without a token/);
    }
  });

  test('that is a redirect or a refusal is told, with the scopes and without the login', async () => {
    const failed = async (status: number, login?: RegistryLogin) => {
      const body = { errors: [{ code: 'DENIED', message: 'no' }] };
      const asking = { answer: { status, body }, ...(login ? { login } : {}) };
      const error = await ask(asking).catch((reason: unknown) => reason);
      assert.ok(error instanceof Failure);
      assert.doesNotMatch(error.message + JSON.stringify(error.details), /p:w|refresh me/);
      return error;
    };
    const moved = await failed(307, identity);
    assert.match(
      moved.message,
      /^The token server auth\.example redirects to where no login is sent/,
    );
    const both = '"repository:o/x:pull,push" and "repository:o/base:pull"';
    const denied = `The registry r.example denied the scope ${both} (403 from its token server auth.example).`;
    assert.equal((await failed(403, password)).message, denied);
    const anotherServer = await failed(403);
    assert.match(anotherServer.details.next ?? '', /docker login r\.example/);
    const next = (await failed(403, password)).details.next ?? '';
    assert.match(next, /the permission to push to this repository of r\.example/);
    const wrong = await failed(401, password);
    assert.match(wrong.message, /^The registry r\.example did not accept the login \(401/);
    assert.deepEqual(wrong.details.evidence, ['DENIED: no']);
    assert.equal(wrong.details.tried, `asking for a token with the given login, scope ${both}`);
    const anonymous = await failed(401);
    assert.match(anonymous.message, /denied the scope/);
    assert.match(anonymous.details.tried ?? '', /with anonymous access/);
  });

  test('that never comes is told as such', async () => {
    const challenge = { scheme: 'bearer', parameters: { realm: 'https://auth.example/token' } };
    const request = { registry: 'r.example', challenge, scopes, login: undefined, now: 0 };
    const lost = requestToken(request, () =>
      Promise.reject(new ConnectionLost(new Error('reset'))),
    );
    await assert.rejects(lost, /^Failure: The connection to auth\.example failed: reset/);
    const other = new Error('interrupted');
    await assert.rejects(
      requestToken(request, () => Promise.reject(other)),
      other,
    );
  });
});

test('a header of Basic authentication needs a password', () => {
  assert.equal(basicHeader(password), basic);
  assert.equal(basicHeader(identity), undefined);
  assert.equal(basicHeader(undefined), undefined);
});
