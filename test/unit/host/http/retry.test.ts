import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, ConnectionLost } from '../../../../src/host/http/message.ts';
import { retryAfterMs, retrying, usualRetries } from '../../../../src/host/http/retry.ts';
import { instantRetries } from '../../../tools/blobs.ts';
import { quietHost } from '../../../tools/host.ts';

const request = { method: 'GET', url: new URL('https://r.example/v2/') };

const answer = (status: number, headers = {}): Answer => ({
  status,
  headers,
  url: request.url,
  body: Buffer.alloc(0),
});

/** Gives these answers, or throws these errors, one after the other. */
function scripted(steps: (Answer | Error)[]) {
  const waits: number[] = [];
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const policy = { ...usualRetries(quietHost()), ...instantRetries(waits), say };
  let at = 0;
  const exchange = retrying(async () => {
    const step = steps[Math.min(at++, steps.length - 1)];
    if (step instanceof Error || step === undefined) throw step;
    return step;
  }, policy);
  return { waits, said, exchange, tries: () => at };
}

const lost = (code: string, knownServer?: string) => {
  const cause = Object.assign(new Error(code), { code });
  return Object.assign(new ConnectionLost(cause), { knownServer });
};

describe('retrying', () => {
  test('transient answers and lost connections are tried again, later and later', async () => {
    const { exchange, waits } = scripted([
      answer(408),
      answer(429),
      lost('ECONNRESET'),
      answer(500),
      answer(200),
    ]);
    assert.equal((await exchange(request)).status, 200);
    assert.deepEqual(waits, [375, 750, 1500, 3000]);
  });

  test('what will not change is returned at once', async () => {
    for (const status of [200, 400, 401, 403, 404, 416, 501]) {
      const { exchange, tries } = scripted([answer(status)]);
      assert.equal((await exchange(request)).status, status);
      assert.equal(tries(), 1);
    }
  });

  test('Retry-After is honoured, in seconds and as a date', async () => {
    const { exchange, waits } = scripted([
      answer(429, { 'retry-after': '7' }),
      answer(503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:11 GMT' }),
      answer(200),
    ]);
    await exchange(request);
    assert.deepEqual(
      waits.map(ms => Math.floor(ms / 1000)),
      [7, 11],
    );
    assert.equal(
      retryAfterMs('soon', () => 0),
      undefined,
    );
  });

  test('a server that asks to be left alone for long is, and its answer is the last', async () => {
    for (const asked of ['301', '99999999', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT']) {
      const { exchange, tries, waits } = scripted([answer(429, { 'retry-after': asked })]);
      assert.equal((await exchange(request)).status, 429);
      assert.equal(tries(), 1, asked);
      assert.deepEqual(waits, []);
    }
    for (const nonsense of ['-5', '1e9', '0x10', 'NaN', '']) {
      const { exchange, waits } = scripted([answer(429, { 'retry-after': nonsense }), answer(200)]);
      assert.equal((await exchange(request)).status, 200);
      assert.deepEqual(waits, [375], nonsense);
    }
  });

  test('after eight tries the last answer is returned', async () => {
    const { exchange, tries } = scripted([answer(503)]);
    assert.equal((await exchange(request)).status, 503);
    assert.equal(tries(), 8);
  });

  test('three tries where nobody listens and nobody has answered', async () => {
    const refused = scripted([lost('ECONNREFUSED')]);
    await assert.rejects(refused.exchange(request), ConnectionLost);
    assert.equal(refused.tries(), 3);
  });

  test('what is wrong with TLS, a certificate or HTTP itself is not tried again', async () => {
    for (const code of [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'EPROTO',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'HPE_INVALID_CONSTANT',
    ]) {
      for (const before of [[], [answer(503)]]) {
        const { exchange, tries } = scripted([...before, lost(code)]);
        await assert.rejects(exchange(request), ConnectionLost);
        assert.equal(tries(), before.length + 1, code);
      }
    }
    for (const code of ['ECONNRESET', 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING', 'ETIMEDOUT']) {
      const { exchange, tries } = scripted([lost(code)]);
      await assert.rejects(exchange(request), ConnectionLost);
      assert.equal(tries(), 8, code);
    }
  });

  test('a server that has answered is waited for while it starts anew: for a minute', async () => {
    const forever = scripted([lost('ECONNREFUSED', 'r.example')]);
    await assert.rejects(forever.exchange(request), ConnectionLost);
    const waited = forever.waits.reduce((sum, ms) => sum + ms, 0);
    assert.ok(waited >= 60_000 && waited < 65_000, `${waited}`);
    assert.ok(Math.max(...forever.waits) <= 5_000, `${forever.waits}`);
    assert.deepEqual(forever.said, [
      'r.example takes no connections: waiting up to 60 s for it to come back.',
    ]);
    const away = lost('ECONNREFUSED', 'r.example');
    const back = scripted([lost('ECONNRESET'), ...Array(12).fill(away), answer(503), answer(200)]);
    assert.equal((await back.exchange(request)).status, 200);
  });

  test('a server that has no room left is believed', async () => {
    const full = { ...answer(500), body: Buffer.from('write: no space left on device') };
    for (const final of [answer(507), full]) {
      const { exchange, tries } = scripted([final]);
      assert.equal((await exchange(request)).status, final.status);
      assert.equal(tries(), 1);
    }
  });

  test('a long wait that a server asks for is said, a short one is not', async () => {
    const { exchange, said } = scripted([
      answer(429, { 'retry-after': '2' }),
      answer(503, { 'retry-after': '7' }),
      answer(200),
    ]);
    await exchange(request);
    assert.deepEqual(said, [
      'r.example asks to be left alone (503): nothing is asked of it for 8 s.',
    ]);
  });

  test('a request that its sender recovers by himself is sent once', async () => {
    const { exchange, tries } = scripted([answer(503)]);
    assert.equal((await exchange({ ...request, retry: false })).status, 503);
    assert.equal(tries(), 1);
  });

  test('an abort ends the waiting with its reason', async () => {
    const { exchange } = scripted([answer(503)]);
    const reason = new Error('stop');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(exchange({ ...request, signal }), error => error === reason);
  });
});
