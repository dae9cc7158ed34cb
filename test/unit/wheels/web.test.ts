import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Unreachable } from '../../../src/host/http/message.ts';
import { openWeb } from '../../../src/wheels/web.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';

/** A server that answers with the status that its address names, and a web to ask it by. */
async function start(context: TestContext) {
  const server = await serve((request, response) => {
    response.writeHead(Number(request.url?.slice(1))).end();
  });
  const web = openWeb(quietHost());
  context.after(async () => {
    web.close();
    await server.stop();
  });
  return { web, address: server.url };
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
