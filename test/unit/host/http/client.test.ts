import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Host } from '../../../../src/host/host.ts';
import { openHttp } from '../../../../src/host/http/client.ts';
import { quietHost } from '../../../tools/host.ts';
import { serve } from '../../../tools/http-server.ts';

async function addressOf(t: TestContext, listener: RequestListener): Promise<URL> {
  const { url, stop } = await serve(listener);
  t.after(stop);
  return new URL(url);
}

test('an exchange follows redirects, and goes on after a fault of the server', async t => {
  let asked = 0;
  const url = await addressOf(t, (request, response) => {
    if (request.url === '/') return void response.writeHead(302, { location: '/there' }).end();
    asked += 1;
    response.writeHead(asked === 1 ? 503 : 200).end('found');
  });
  const client = openHttp(quietHost(), { retries: { sleep: async () => undefined } });
  t.after(client.close);
  const { status, body } = await client.exchange({ method: 'GET', url });
  assert.deepEqual([status, body.toString(), asked], [200, 'found', 2]);
  asked = 0;
  assert.equal((await client.exchange({ method: 'GET', url, retry: false })).status, 503);
});

test('an answer longer than is wanted is not read', async t => {
  const url = await addressOf(t, (_, response) => response.end('x'.repeat(1000)));
  const client = openHttp(quietHost());
  t.after(client.close);
  const request = { method: 'GET', url, answerLimit: 999, retry: false };
  await assert.rejects(client.exchange(request), /longer than 999 bytes/);
});

test("requests end with the host's signal", async t => {
  const url = await addressOf(t, () => undefined);
  const interrupted = new AbortController();
  const client = openHttp(quietHost({ signal: interrupted.signal }));
  t.after(client.close);
  const waiting = client.exchange({ method: 'GET', url });
  interrupted.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
});

test('what does not answer is named each half a minute, with the proxy in between', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const proxy = await addressOf(t, () => undefined);
  const said: string[] = [];
  const emit: Host['emit'] = event => void ('message' in event && said.push(event.message));
  const interrupted = new AbortController();
  const env = { http_proxy: proxy.host };
  const client = openHttp(quietHost({ env, emit, signal: interrupted.signal }));
  t.after(client.close);
  const url = new URL('http://registry.example/v2/');
  const waiting = client.exchange({ method: 'GET', url });
  t.mock.timers.tick(60_000);
  const name = `registry.example, by the proxy ${proxy.host}`;
  assert.deepEqual(said, [
    `Waiting for ${name}: 30 s so far.`,
    `Waiting for ${name}: 60 s so far.`,
  ]);
  interrupted.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
});
