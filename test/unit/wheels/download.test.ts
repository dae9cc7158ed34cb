import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { download, type OnBytes } from '../../../src/wheels/download.ts';
import { openWeb } from '../../../src/wheels/web.ts';
import { instantRetries, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';

const content = noise(100_000, 1);

/** Downloads from a server into a folder of its own; `asked` are the ranges of the requests. */
async function start(context: TestContext, listener: RequestListener) {
  const asked: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    asked.push(request.headers.range);
    listener(request, response);
  });
  const folder = await mkdtemp(join(tmpdir(), 'download-'));
  const web = openWeb(quietHost(), instantRetries());
  context.after(async () => {
    web.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const url = `${server.url}/torch.whl`;
  return { asked, get: (onBytes: OnBytes) => download(url, folder, web, onBytes) };
}

/** A server that knows ranges, and breaks each connection once the reader has so many bytes. */
function breakingAt(ends: (start: number) => number) {
  let pending = { end: 0, destroy: () => {} };
  const listener: RequestListener = (request, response) => {
    const at = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const end = ends(at);
    const range = { 'content-range': `bytes ${at}-${content.length - 1}/${content.length}` };
    response.writeHead(at === 0 ? 200 : 206, { etag: '"one"', ...(at === 0 ? {} : range) });
    pending = { end, destroy: () => response.destroy() };
    if (end < content.length) response.write(content.subarray(at, end));
    else response.end(content.subarray(at));
  };
  const onBytes: OnBytes = done => {
    if (done === pending.end) pending.destroy();
  };
  return { listener, onBytes };
}

test('a file is hashed as it comes, and taken up where the connection broke', async context => {
  const { listener, onBytes } = breakingAt(at => [70_000, 90_000].find(end => end > at) ?? 100_000);
  const { asked, get } = await start(context, listener);
  const { sha256: hex, size } = await get(onBytes);
  assert.deepEqual([`sha256:${hex}`, size], [sha256(content), content.length]);
  assert.deepEqual(asked, [undefined, 'bytes=70000-', 'bytes=90000-']);
});

test('a server that gives a few bytes at a time, and breaks, is given up', async context => {
  const { listener, onBytes } = breakingAt(at => at + 10);
  const { asked, get } = await start(context, listener);
  await assert.rejects(
    get(onBytes),
    (error: unknown) =>
      error instanceof Failure && /lost after 50 of 100000 bytes/.test(error.message),
  );
  assert.deepEqual(asked.slice(1), ['bytes=10-', 'bytes=20-', 'bytes=30-', 'bytes=40-']);
});

test('a server that asks to come again in years is not waited for', async context => {
  const { asked, get } = await start(context, (_, response) => {
    response.writeHead(429, { 'retry-after': '99999999' }).end();
  });
  await assert.rejects(
    get(() => undefined),
    /answered 429/,
  );
  assert.equal(asked.length, 1);
});
