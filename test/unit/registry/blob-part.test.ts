import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { noise, sha256 } from '../../tools/blobs.ts';
import { serve } from '../../tools/http-server.ts';
import { storeOn } from '../../tools/opened-store.ts';

const content = noise(100_000, 1);
const descriptor = { mediaType: '', digest: sha256(content), size: content.length };

/** A registry that answers the questions for a blob by these, one after the other. */
async function registryOf(
  context: TestContext,
  answers: ((start: number) => { at: number; bytes: Buffer })[],
) {
  const server = await serve((request, response) => {
    const asked = /bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
    if (request.url === '/v2/') return void response.end();
    const { at, bytes } = answers.shift()?.(Number(asked ?? 0)) ?? assert.fail('asked too often');
    const range = `bytes ${at}-${content.length - 1}/${content.length}`;
    response.writeHead(asked === undefined ? 200 : 206, { 'content-range': range });
    response.write(bytes, () => {
      if (bytes.length < content.length - at) response.destroy();
      else response.end();
    });
  });
  const store = storeOn(context, server, 'o/x');
  return store;
}

test('a part of a blob that begins elsewhere than it was asked for is not taken for it', async context => {
  const store = await registryOf(context, [
    () => ({ at: 0, bytes: content.subarray(0, 40_000) }),
    () => ({ at: 50_000, bytes: content.subarray(50_000) }),
    start => ({ at: start, bytes: content.subarray(start) }),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of store.openBlob(descriptor)) chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), content);
});
