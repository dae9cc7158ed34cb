import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Failure } from '../../../src/host/failure.ts';
import { ConnectionLost } from '../../../src/host/http/message.ts';
import { fetchTarball, type Transport } from '../../../src/nix/install/download.ts';
import type { Release } from '../../../src/nix/install/releases.ts';
import { quietHost } from '../../tools/host.ts';

const bytes = Buffer.from('the bytes of a tarball');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const host = quietHost();

let folder = '';
let server: Server;
let origin = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-test-'));
  server = createServer((request, response) => {
    const found = request.url === '/nix.tar.xz';
    response.writeHead(found ? 200 : 404).end(found ? bytes : 'no such file');
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  origin = `http://127.0.0.1:${address.port}`;
});

after(async () => {
  server.closeAllConnections();
  await new Promise(done => server.close(done));
  await rm(folder, { recursive: true, force: true });
});

const releaseAt = (url: string | URL, sum = sha256): Release => ({
  url: new URL(url),
  sha256: sum,
  version: '2.35.2',
});

/** A transport that must not be used where a test does not replace a part of it. */
const unused: Transport = {
  probe: () => assert.fail('asked the server'),
  download: () => assert.fail('downloaded'),
};

const refused = () =>
  Promise.reject(new ConnectionLost(new Error('connect ECONNREFUSED 192.0.2.1:443')));

describe('fetching the tarball', () => {
  it('downloads and verifies it', async () => {
    const file = join(folder, 'good.tar.xz');
    const fetched = await fetchTarball(releaseAt(`${origin}/nix.tar.xz`), file, host);
    assert.deepEqual(fetched, { file });
    assert.deepEqual(await readFile(file), bytes);
  });

  it('uses a local file where it is, without a server', async () => {
    const file = join(folder, 'a local one.tar.xz');
    await writeFile(file, bytes);
    const fetched = await fetchTarball(releaseAt(pathToFileURL(file)), 'x', host, unused);
    assert.deepEqual(fetched, { file });
  });

  it('refuses bytes with another checksum and says both', async () => {
    const release = releaseAt(`${origin}/nix.tar.xz`, '0'.repeat(64));
    await assert.rejects(fetchTarball(release, join(folder, 'bad.tar.xz'), host), error => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /checksum differs/);
      const sums = [`expected sha256 ${'0'.repeat(64)}`, `found    sha256 ${sha256}`];
      assert.deepEqual(error.details.evidence, sums);
      return true;
    });
  });

  it('names a local file that is not there', async () => {
    const url = pathToFileURL(join(folder, 'missing.tar.xz'));
    await assert.rejects(fetchTarball(releaseAt(url), 'x', host, unused), {
      name: 'Failure',
      message: /cannot be read: ENOENT/,
    });
  });

  it('a file that the server does not have is an error, not an unreachable server', async () => {
    const release = releaseAt(`${origin}/other.tar.xz`);
    await assert.rejects(fetchTarball(release, join(folder, 'none.tar.xz'), host), {
      name: 'Failure',
      message: /no such Nix tarball/,
    });
  });
});

describe('a server that cannot be reached', () => {
  const release = releaseAt('https://releases.example/nix.tar.xz');

  it('is found by two questions, without a download', async () => {
    let asked = 0;
    const probe = () => {
      asked++;
      return refused();
    };
    const fetched = await fetchTarball(release, 'x', host, { ...unused, probe });
    assert.deepEqual(fetched, { unreachable: 'connect ECONNREFUSED 192.0.2.1:443' });
    assert.equal(asked, 2);
  });

  it('is asked and downloaded from through the proxy, which may be written as host:port', async () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end(request.method === 'GET' ? bytes : undefined);
    });
    await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done));
    const address = proxy.address();
    assert.ok(typeof address === 'object' && address);
    const behindProxy = { ...host, env: { http_proxy: `127.0.0.1:${address.port}` } };
    const file = join(folder, 'by-proxy.tar.xz');
    const url = 'http://releases.example/nix.tar.xz';
    assert.deepEqual(await fetchTarball(releaseAt(url), file, behindProxy), { file });
    assert.deepEqual(seen, [`HEAD ${url}`, `GET ${url}`]);
    proxy.closeAllConnections();
    proxy.close();
  });

  it('is also one that answers with errors only', async () => {
    const download = () =>
      Promise.reject(Object.assign(new Error('Unexpected'), { httpStatusCode: 503 }));
    const fetched = await fetchTarball(release, 'x', host, { probe: async () => {}, download });
    assert.deepEqual(fetched, { unreachable: 'HTTP status 503' });
  });

  it('is not waited for when the run is interrupted', async () => {
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const download = () => {
      interrupt.abort(reason);
      return new Promise<void>(() => {});
    };
    const signalled = { ...host, signal: interrupt.signal };
    await assert.rejects(
      fetchTarball(release, 'x', signalled, { probe: async () => {}, download }),
      reason,
    );
  });
});
