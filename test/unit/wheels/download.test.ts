import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { download } from '../../../src/wheels/download.ts';
import { openWeb } from '../../../src/wheels/web.ts';
import { instantRetries, noise, quietHost, sha256 } from '../../tools/blobs.ts';

const content = noise(100_000, 1);

/** Downloads from a server into a folder of its own; `asked` are the ranges of the requests. */
async function start(context: TestContext, listener: RequestListener) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.range);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'download-'));
  const web = openWeb(quietHost(), instantRetries());
  context.after(async () => {
    web.close();
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/torch.whl`;
  return { asked, get: () => download(url, folder, web, () => undefined) };
}

test('a file is hashed as it comes, and taken up where the connection broke', async context => {
  const cuts = [70_000, 90_000];
  const { asked, get } = await start(context, (request, response) => {
    const at = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const end = cuts.shift() ?? content.length;
    const range = { 'content-range': `bytes ${at}-${content.length - 1}/${content.length}` };
    response.writeHead(at === 0 ? 200 : 206, { etag: '"one"', ...(at === 0 ? {} : range) });
    response.write(content.subarray(at, end), () => {
      if (end < content.length) response.destroy();
      else response.end();
    });
  });
  const { sha256: hex, size } = await get();
  assert.deepEqual([`sha256:${hex}`, size], [sha256(content), content.length]);
  assert.deepEqual(asked, [undefined, 'bytes=70000-', 'bytes=90000-']);
});

test('a server that gives a few bytes at a time, and breaks, is given up', async context => {
  const { asked, get } = await start(context, (request, response) => {
    const at = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${at}-${content.length - 1}/${content.length}` };
    response.writeHead(at === 0 ? 200 : 206, { etag: '"one"', ...(at === 0 ? {} : range) });
    response.write(content.subarray(at, at + 10), () => response.destroy());
  });
  await assert.rejects(get(), Failure);
  assert.equal(asked.length, 5);
});

test('a server that asks to come again in years is not waited for', async context => {
  const { asked, get } = await start(context, (_, response) => {
    response.writeHead(429, { 'retry-after': '99999999' }).end();
  });
  await assert.rejects(get(), /answered 429/);
  assert.equal(asked.length, 1);
});
