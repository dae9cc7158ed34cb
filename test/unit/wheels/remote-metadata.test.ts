import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { readMetadataInside } from '../../../src/wheels/remote-metadata.ts';
import { openWeb } from '../../../src/wheels/web.ts';
import { instantRetries } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';
import { makeWheel } from '../../tools/package-index.ts';

const name = 'a-1.0-py3-none-any.whl';
const metadata = 'Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b\n\n';

/** Reads the METADATA of a file that a server gives in ranges, or whole. */
async function readOf(context: TestContext, file: Buffer, ranges = true) {
  const asked: string[] = [];
  const server = await serve((request, response) => {
    const range = request.headers.range ?? '';
    asked.push(range);
    const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
    const start = first === '' ? Math.max(0, file.length - Number(last)) : Number(first);
    const end = first === '' ? file.length : Math.min(file.length, Number(last) + 1);
    if (!ranges) response.writeHead(200).end(file);
    else if (start >= end) response.writeHead(416).end();
    else {
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${file.length}` });
      response.end(file.subarray(start, end));
    }
  });
  const web = openWeb(quietHost(), instantRetries());
  context.after(async () => {
    web.close();
    await server.stop();
  });
  return { text: await readMetadataInside(`${server.url}/${name}`, web), asked };
}

test('the METADATA of a wheel is read from its end', async context => {
  const small = await readOf(context, makeWheel(name, metadata));
  assert.equal(small.text, metadata);
  assert.equal(small.asked.length, 1);
  const large = await readOf(context, makeWheel(name, metadata, 200_000));
  assert.equal(large.text, metadata);
  assert.deepEqual(large.asked, ['bytes=-32768']);
});

test('a directory, and METADATA, that lie farther in the front are asked for', async context => {
  const many = Array.from({ length: 1000 }, (_, at) => [`a/${at}${'x'.repeat(60)}`, ''] as const);
  const { text, asked } = await readOf(context, makeWheel(name, metadata, 0, many));
  assert.equal(text, metadata);
  assert.equal(asked.length, 3);
});

test('what gives no ranges, or is no wheel, tells nothing', async context => {
  const wheel = makeWheel(name, metadata);
  assert.equal((await readOf(context, wheel, false)).text, metadata, 'all of it was sent');
  for (const other of [Buffer.from('no zip'), wheel.subarray(0, -30), deflateRawSync(wheel)]) {
    assert.equal((await readOf(context, other)).text, undefined);
  }
  const broken = Buffer.from(wheel);
  broken.writeUInt32LE(0xffffffff, broken.length - 6);
  assert.equal((await readOf(context, broken)).text, undefined, 'a directory beyond the end');
  assert.equal((await readOf(context, makeWheel('b.whl', ''))).text, '', 'and an empty one is one');
});
