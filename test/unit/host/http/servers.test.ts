import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openHttp } from '../../../../src/host/http/client.ts';
import { ConnectionLost } from '../../../../src/host/http/message.ts';
import { quietHost } from '../../../tools/host.ts';
import { serve } from '../../../tools/http-server.ts';

/** A client whose pauses last until the test ends them. */
function patientClient(t: TestContext, host = quietHost()) {
  const pauses: { ms: number; end: () => void }[] = [];
  const sleep = (ms: number) =>
    new Promise<void>(resolve => void pauses.push({ ms, end: resolve }));
  const client = openHttp(host, { retries: { sleep, random: () => 0.5 } });
  t.after(client.close);
  return { client, pauses };
}

/** Until a condition holds, which others bring about. */
async function until(condition: () => boolean) {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}

test('a 429 stops what is asked of its server: one refused request, not one each', async t => {
  let refusing = true;
  const asked: string[] = [];
  const server = await serve((request, response) => {
    asked.push(request.url ?? '');
    if (!refusing) return void response.end();
    response.writeHead(429, { 'retry-after': '20' }).end();
  });
  t.after(server.stop);
  const other = await serve((_, response) => response.end());
  t.after(other.stop);
  const { client, pauses } = patientClient(t);
  const get = (path: string, base = server.url) =>
    client.exchange({ method: 'GET', url: new URL(path, base) });

  const first = get('/1');
  await until(() => pauses.length === 1);
  const rest = ['/2', '/3', '/4', '/5'].map(path => get(path));
  // another server is asked meanwhile
  assert.equal((await get('/', other.url)).status, 200);
  assert.deepEqual(asked, ['/1']);
  refusing = false;
  assert.equal(Math.floor(pauses[0]?.ms ?? 0), 20_093);
  pauses[0]?.end();
  const answers = await Promise.all([first, ...rest]);
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(asked.length, 6);
  assert.equal(pauses.length, 1);
});

test('who waits for another’s pause ends with its own signal', async t => {
  let asked = 0;
  const server = await serve((_, response) => {
    asked += 1;
    response.writeHead(asked === 1 ? 429 : 200).end();
  });
  t.after(server.stop);
  const { client, pauses } = patientClient(t);
  const url = new URL(server.url);
  const first = client.exchange({ method: 'GET', url });
  await until(() => pauses.length === 1);
  const ending = new AbortController();
  const second = client.exchange({ method: 'GET', url, signal: ending.signal });
  const reason = new Error('ended by the user');
  ending.abort(reason);
  await assert.rejects(second, error => error === reason);
  pauses[0]?.end();
  assert.equal((await first).status, 200);
  assert.equal(asked, 2);
});

test('a server is waited for where it has answered, whoever asked it', async t => {
  const server = await serve((_, response) => response.end());
  const { client } = patientClient(t);
  const url = new URL(server.url);
  const lost = () =>
    client.send({ method: 'GET', url }).then(
      () => assert.fail(),
      (error: ConnectionLost) => error,
    );
  await client.exchange({ method: 'GET', url });
  await server.stop();
  assert.equal((await lost()).knownServer, url.host);
  const stranger = openHttp(quietHost());
  t.after(stranger.close);
  await assert.rejects(stranger.send({ method: 'GET', url }), (error: unknown) => {
    assert.ok(error instanceof ConnectionLost);
    assert.equal(error.knownServer, undefined);
    return true;
  });
});
