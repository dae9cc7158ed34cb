import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, ConnectionLost } from '../../../../src/host/http/message.ts';
import { retryAfterMs, retrying, usualRetries } from '../../../../src/host/http/retry.ts';
import { instantRetries } from '../../../tools/blobs.ts';

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
  const policy = {
    ...usualRetries({ clock: () => 0, emit: () => undefined }),
    ...instantRetries(waits),
  };
  let at = 0;
  const exchange = retrying(async () => {
    const step = steps[Math.min(at++, steps.length - 1)];
    if (step instanceof Error || step === undefined) throw step;
    return step;
  }, policy);
  return { waits, exchange, tries: () => at };
}

const lost = (code: string) => new ConnectionLost(Object.assign(new Error(code), { code }));

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

  test('three tries where nobody listens, one where a certificate is not trusted', async () => {
    const refused = scripted([lost('ECONNREFUSED')]);
    await assert.rejects(refused.exchange(request), ConnectionLost);
    assert.equal(refused.tries(), 3);
    const untrusted = scripted([lost('DEPTH_ZERO_SELF_SIGNED_CERT')]);
    await assert.rejects(untrusted.exchange(request), ConnectionLost);
    assert.equal(untrusted.tries(), 1);
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
