import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fetchTarball } from '../../../src/nix/install/download.ts';
import { quietHost } from '../../tools/host.ts';

const bytes = Buffer.from('the bytes of a tarball');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const host = quietHost();

test('a download that breaks off is taken up where it broke, of the same file', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'resume-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const ranges: (string | undefined)[] = [];
  let cut: (() => void) | undefined;
  const breaking = createServer((request, response) => {
    ranges.push(request.headers.range);
    const at = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${at}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(at > 0 ? 206 : 200, { etag: '"one"', ...(at > 0 ? range : {}) });
    if (at > 0 || request.method === 'HEAD') return void response.end(bytes.subarray(at));
    response.write(bytes.subarray(0, 10));
    cut = () => response.destroy();
  });
  await new Promise<void>(done => breaking.listen(0, '127.0.0.1', done));
  const address = breaking.address();
  assert.ok(typeof address === 'object' && address);
  const file = join(folder, 'cut.tar.xz');
  const watch = setInterval(() => {
    if (cut && statSync(file, { throwIfNoEntry: false })?.size === 10) cut();
  }, 5);
  const url = new URL(`http://127.0.0.1:${address.port}/nix.tar.xz`);
  const release = { url, sha256, version: '2.35.2' };
  assert.deepEqual(await fetchTarball(release, file, host), { file });
  clearInterval(watch);
  breaking.close();
  assert.deepEqual(ranges, [undefined, undefined, 'bytes=10-']);
});
