import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openWeb, Unreachable } from '../../../src/wheels/web.ts';
import { quietHost } from '../../tools/host.ts';

/** A server that answers with the status that its address names, and a web to ask it by. */
async function start(context: TestContext) {
  const server = createServer((request, response) => {
    response.writeHead(Number(request.url?.slice(1))).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const web = openWeb(quietHost());
  context.after(() => {
    web.close();
    server.close();
    server.closeAllConnections();
  });
  return { web, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('what is no address of HTTP is told without a login in it', async context => {
  const { web } = await start(context);
  for (const address of ['//[', '', 'file:///etc/passwd', 'https://u:SECRET@[/x', '\u001b[31m']) {
    for (const asked of [web.read(address, '*/*'), web.open(address, {}), web.fetch(address)]) {
      await assert.rejects(asked, (error: unknown) => {
        assert.ok(error instanceof Unreachable);
        assert.doesNotMatch(error.message, /SECRET|\p{Cc}/u);
        return true;
      });
    }
  }
});

test('a library gets each status that HTTP has', async context => {
  const { web, address } = await start(context);
  for (const status of [200, 204, 205, 304, 404]) {
    assert.equal((await web.fetch(`${address}/${status}`)).status, status);
  }
  await assert.rejects(web.fetch(`${address}/999`), Unreachable);
});
