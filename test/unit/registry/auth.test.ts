import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import {
  type HttpRequest,
  type HttpResponse,
  readBody,
  type Send,
} from '../../../src/host/http/message.ts';
import { authorizing, type RegistryRequest } from '../../../src/registry/auth.ts';
import { chooseChallenge, parseChallenges } from '../../../src/registry/challenge.ts';
import type { RegistryLogin } from '../../../src/registry/credentials.ts';

const bearer = 'Bearer realm="https://auth.example/token",service="r",scope="repository:x/y:pull"';

function respond(url: URL, status: number, body: unknown = '', headers = {}): HttpResponse {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const stream = (async function* () {
    yield bytes;
  })();
  return { status, headers, url, body: stream };
}

/** A registry that wants tokens, and a token server that hands out "t1", "t2" … */
function registryWith(options: {
  challenge?: string;
  login?: RegistryLogin;
  token?: (request: HttpRequest) => { status: number; body: unknown };
  refuse?: Set<string>;
}) {
  const seen: HttpRequest[] = [];
  let now = 0;
  let tokens = 0;
  const network: Send = async request => {
    seen.push(request);
    const { url, headers = {} } = request;
    if (url.host === 'auth.example') {
      const given = options.token?.(request);
      if (given) return respond(url, given.status, given.body);
      tokens += 1;
      return respond(url, 200, { token: `t${tokens}`, expires_in: 100 });
    }
    const authorization = headers.authorization;
    if (authorization === undefined || options.refuse?.has(authorization)) {
      return respond(url, 401, '', { 'www-authenticate': options.challenge ?? bearer });
    }
    return respond(url, 200);
  };
  const { over, logIn } = authorizing({
    registry: 'r.example',
    shared: {},
    origin: {
      find: (request, send) => send(request),
      ping: async () =>
        readBody(await network({ method: 'GET', url: new URL('https://r.example/v2/') })),
      owns: url => url.origin === 'https://r.example',
      directed: request => request,
      mayBePlain: () => false,
    },
    scope: 'repository:o/x:pull,push',
    login: async () => options.login,
    exchange: async request => readBody(await network(request)),
    clock: () => now,
  });
  const send = over(network);
  const get = (path: string, more: Partial<RegistryRequest> = {}) =>
    send({ method: 'GET', url: new URL(path, 'https://r.example'), ...more });
  const advance = (ms: number) => {
    now += ms;
  };
  return { seen, get, advance, send, logIn };
}

const password: RegistryLogin = { kind: 'password', username: 'u', password: 'p:w' };
const basic = `Basic ${Buffer.from('u:p:w').toString('base64')}`;

describe('authorizing', () => {
  test('parallel requests share one look at the registry and one token', async () => {
    const { seen, get } = registryWith({ login: password });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => get(`/v2/o/x/${at}`)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(seen.length, 52);
    const asked = seen.filter(({ url }) => url.host === 'auth.example');
    assert.equal(asked.length, 1);
    assert.equal(asked[0]?.url.search, '?service=r&scope=repository%3Ao%2Fx%3Apull%2Cpush');
    assert.equal(asked[0]?.headers?.authorization, basic);
    assert.equal(seen.at(-1)?.headers?.authorization, 'Bearer t1');
  });

  test('who logs in ahead asks nothing twice', async () => {
    const { seen, get, logIn } = registryWith({ login: password });
    await logIn();
    assert.deepEqual(
      seen.map(({ url }) => url.pathname),
      ['/v2/', '/token'],
    );
    assert.equal((await get('/v2/o/x/a')).status, 200);
    assert.equal(seen.length, 3);
  });

  test('a token is renewed before it expires, and once when it is refused', async () => {
    const refuse = new Set<string>();
    const { get, advance, seen } = registryWith({ refuse });
    await get('/v2/o/x/a');
    advance(95_000);
    await get('/v2/o/x/b');
    assert.equal(seen.at(-1)?.headers?.authorization, 'Bearer t2');
    refuse.add('Bearer t2');
    assert.equal((await get('/v2/o/x/c')).status, 200);
    assert.equal(seen.at(-1)?.headers?.authorization, 'Bearer t3');
    refuse.add('Bearer t3').add('Bearer t4');
    assert.equal((await get('/v2/o/x/d')).status, 401);
  });

  test('a body in memory is sent again with a new token, a stream never', async () => {
    const refuse = new Set<string>();
    const { get, seen } = registryWith({ refuse });
    const patches = () => seen.filter(({ method }) => method === 'PATCH');
    await get('/v2/o/x/a');
    refuse.add('Bearer t1');
    let opened = 0;
    const stream = async function* () {
      opened += 1;
      yield Buffer.from('x');
    };
    const first = await get('/v2/o/x/u', { method: 'PATCH', body: stream() });
    assert.equal(first.status, 401, 'who has the source begins again');
    assert.equal(patches().length, 1);
    assert.equal(opened, 0, 'it is not read by who does not send it');
    const again = await get('/v2/o/x/u', { method: 'PATCH', body: stream() });
    assert.equal(again.status, 200);
    assert.equal(patches().at(-1)?.headers?.authorization, 'Bearer t2', 'renewed meanwhile');
    refuse.add('Bearer t2');
    const body = Buffer.from('x');
    assert.equal((await get('/v2/o/x/u', { method: 'PUT', body })).status, 200);
    const puts = seen.filter(({ method }) => method === 'PUT');
    assert.deepEqual(
      puts.map(({ headers, body }) => [headers?.authorization, String(body)]),
      [
        ['Bearer t2', 'x'],
        ['Bearer t3', 'x'],
      ],
    );
  });

  test('a mount asks for its source as well', async () => {
    const { get, seen } = registryWith({});
    await get('/v2/o/x/a', { scope: 'repository:o/base:pull' });
    const asked = seen.find(({ url }) => url.host === 'auth.example');
    assert.deepEqual(asked?.url.searchParams.getAll('scope'), [
      'repository:o/x:pull,push',
      'repository:o/base:pull',
    ]);
  });

  test('what a registry says that is needed beside is asked for, on this repository alone', async () => {
    const stating = async (scope: string) => {
      const challenge = `Bearer realm="https://auth.example/token",scope="${scope}"`;
      const { get, seen } = registryWith({ challenge, refuse: new Set(['Bearer t1']) });
      assert.equal((await get('/v2/o/x/a', { method: 'DELETE' })).status, 200);
      return seen.at(-2)?.url.searchParams.getAll('scope').slice(1);
    };
    assert.deepEqual(await stating('repository:o/x:delete'), ['repository:o/x:delete']);
    assert.deepEqual(await stating('repository:o/y:pull repository:o/x:*'), ['repository:o/x:*']);
    for (const known of [
      'repository:o/x:pull',
      'repository:o/x:push,pull',
      'repository:o/y:delete',
    ]) {
      assert.deepEqual(await stating(known), [], known);
    }
  });

  test('an identity token is exchanged by POST, and never in the address', async () => {
    const login: RegistryLogin = { kind: 'identity-token', token: 'refresh me' };
    const token = () => ({ status: 200, body: { access_token: 'a1' } });
    const { get, seen } = registryWith({ login, token });
    await get('/v2/o/x/a');
    const asked = seen.find(({ url }) => url.host === 'auth.example');
    assert.equal(asked?.method, 'POST');
    assert.equal(asked?.url.search, '');
    const form = new URLSearchParams(String(asked?.body));
    assert.equal(form.get('refresh_token'), 'refresh me');
    assert.equal(form.get('grant_type'), 'refresh_token');
    assert.equal(seen.at(-1)?.headers?.authorization, 'Bearer a1');
  });

  test('Basic is answered with the login, and not repeated when it is refused', async () => {
    const { get, seen } = registryWith({ challenge: 'Basic realm="r"', login: password });
    assert.equal((await get('/v2/o/x/a')).status, 200);
    assert.equal(seen.at(-1)?.headers?.authorization, basic);
    const refusing = registryWith({
      challenge: 'Basic realm="r"',
      login: password,
      refuse: new Set([basic]),
    });
    assert.equal((await refusing.get('/v2/o/x/a')).status, 401);
    assert.equal(refusing.seen.length, 2);
  });

  test('no other host gets an Authorization header', async () => {
    const { send, get, seen } = registryWith({});
    await get('/v2/o/x/a');
    await send({ method: 'GET', url: new URL('https://storage.example/blob') });
    assert.equal(seen.at(-1)?.headers?.authorization, undefined);
  });

  test('a token server that refuses: the scope is named, the password is not', async () => {
    const token = () => ({ status: 403, body: { details: 'denied: permission' } });
    const { get } = registryWith({ login: password, token });
    await assert.rejects(get('/v2/o/x/a'), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /denied the scope "repository:o\/x:pull,push" \(403/);
      assert.doesNotMatch(JSON.stringify(error.details) + error.message, /p:w/);
      return true;
    });
  });

  test('a password does not go to a token server in plain HTTP', async () => {
    const challenge = 'Bearer realm="http://auth.example/token"';
    const { get, seen } = registryWith({ login: password, challenge });
    await assert.rejects(get('/v2/o/x/a'), /names a token server that cannot be trusted/);
    assert.equal(seen.filter(({ url }) => url.host === 'auth.example').length, 0);
  });

  test('a token server that answers nonsense is a Failure, and is asked again', async () => {
    let nonsense = true;
    const token = () => ({ status: 200, body: nonsense ? '<html>' : { token: 'ok' } });
    const { get } = registryWith({ token });
    await assert.rejects(get('/v2/o/x/a'), /answered without a token/);
    nonsense = false;
    assert.equal((await get('/v2/o/x/a')).status, 200);
  });
});

describe('challenges', () => {
  test('several in one header; a token comes before a password', () => {
    const text = 'Basic realm="a, \\"b\\"", Bearer realm="https://t/x?a=b",service=s , scope="c d"';
    assert.deepEqual(parseChallenges(text), [
      { scheme: 'basic', parameters: { realm: 'a, "b"' } },
      { scheme: 'bearer', parameters: { realm: 'https://t/x?a=b', service: 's', scope: 'c d' } },
    ]);
    assert.equal(chooseChallenge(text)?.scheme, 'bearer');
    assert.equal(chooseChallenge('Negotiate'), undefined);
    assert.equal(chooseChallenge(undefined), undefined);
  });

  test('what is quoted is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), realm => {
        const quoted = realm.replace(/[\\"]/g, '\\$&');
        const [challenge] = parseChallenges(`Bearer realm="${quoted}",service="s"`);
        assert.deepEqual(challenge?.parameters, { realm, service: 's' });
      }),
    );
  });
});
