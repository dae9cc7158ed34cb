// Registries that lie: each lie ends with one Failure, after few requests, and takes nothing along.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { storedImage } from '../../../src/image/oci/stored-image.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';

import { instantRetries, layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { bodyOf, serve } from '../../tools/http-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Said {
  status?: number;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

interface Heard {
  line: string;
  authorization: string | undefined;
  body: string;
}

/** A server that answers as `say` does, and what it has heard. */
async function answering(say: (request: IncomingMessage, heard: Heard) => Said | undefined) {
  const heard: Heard[] = [];
  const server = await serve(async (request, response) => {
    const { method, url, headers } = request;
    const one = {
      line: `${method} ${url}`,
      authorization: headers.authorization,
      body: (await bodyOf(request)).toString('latin1'),
    };
    heard.push(one);
    const said = say(request, one) ?? { status: 404 };
    const length =
      said.body === undefined ? {} : { 'content-length': Buffer.byteLength(said.body) };
    response.writeHead(said.status ?? 200, { ...length, ...said.headers }).end(said.body);
  });
  stops.push(server.stop);
  return { address: server.address, heard };
}

interface Opening {
  waits?: number[];
  login?: { username: string; password: string };
  env?: Record<string, string>;
}

function open(address: string, { waits = [], login, env = {} }: Opening = {}) {
  const store = remoteStore(parseReference(`${address}/o/x`), {
    host: quietHost({ env: { HOME: '/nonexistent', ...env } }),
    credentials: login ?? {},
    retries: instantRetries(waits),
  });
  stops.push(store.close);
  return store;
}

const password = { username: 'u', password: 'SECRET' };

const layer = noise(10_240, 1);
const config = Buffer.from(
  JSON.stringify({ os: 'linux', rootfs: { type: 'layers', diff_ids: [sha256(layer)] } }),
);
const blobs = new Map([layer, config].map(bytes => [sha256(bytes), bytes]));
const descriptors = {
  config: { mediaType: mediaTypes.config, digest: sha256(config), size: config.length },
  layer: { mediaType: mediaTypes.layer.none, digest: sha256(layer), size: layer.length },
};
const manifestWith = (changes: object) => ({
  schemaVersion: 2,
  config: descriptors.config,
  layers: [descriptors.layer],
  ...changes,
});

/** A registry that has this manifest at every reference. */
const registryOf = (
  manifest: unknown,
  more: (request: IncomingMessage) => Said | undefined = () => undefined,
) =>
  answering(request => {
    const other = more(request);
    if (other) return other;
    const { url = '' } = request;
    if (url === '/v2/') return {};
    if (url.includes('/manifests/')) {
      const body = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
      return { body, headers: { 'content-type': mediaTypes.manifest } };
    }
    const bytes = blobs.get(url.slice(url.lastIndexOf('/') + 1));
    return bytes && { body: bytes };
  });

/** Reads an image to the end of its last layer, as copying it does. */
async function readImage(address: string, waits: number[] = []): Promise<void> {
  const packing = { compression: 'gzip', pool: framePool(1) } as const;
  const image = await storedImage(open(address, { waits }), packing, {
    reference: 'x',
    platform: linuxOn('amd64'),
    name: 'image x',
  });
  for (const { source } of image.layers) for await (const _ of source.open());
}

async function failure(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => assert.fail('it went well'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Failure, String((error as Error).stack));
  return error;
}

test('an image that is right is read', async () => {
  const { address } = await registryOf(manifestWith({}));
  await readImage(address);
});

describe('a document that is none', () => {
  const index = (changes: object) => ({
    manifests: [
      {
        ...descriptors.layer,
        mediaType: mediaTypes.manifest,
        platform: { architecture: 'amd64', os: 'linux' },
        ...changes,
      },
    ],
  });
  const layerWith = (changes: object) =>
    manifestWith({ layers: [{ ...descriptors.layer, ...changes }] });
  const lies: Record<string, unknown> = {
    null: null,
    'a list': [],
    'no JSON': 'hello world',
    'a deep one': '['.repeat(3_000_000),
    'an index that names itself': index({ digest: 'x' }),
    'an index of another repository': index({ digest: '../../../../v2/private/repo/manifests/s' }),
    'an index of another algorithm': index({ digest: `sha512:${'0'.repeat(128)}` }),
    'an index of nothing': { manifests: null },
    'an index that lists null': { manifests: [null] },
    'an index without end': {
      manifests: Array.from({ length: 5000 }, () => index({}).manifests[0]),
    },
    'no config': manifestWith({ config: null }),
    'an empty config': manifestWith({ config: {} }),
    'a config elsewhere': manifestWith({ config: { ...descriptors.config, digest: '../../x' } }),
    'a config of no size': manifestWith({ config: { ...descriptors.config, size: '1e99' } }),
    'a config of any size': manifestWith({ config: { ...descriptors.config, size: 2 ** 40 } }),
    'a config of another size': manifestWith({ config: { ...descriptors.config, size: 7 } }),
    'layers that are text': manifestWith({ layers: 'x' }),
    'a layer that is null': manifestWith({ layers: [null] }),
    'more layers than there are diffIDs': manifestWith({
      layers: [descriptors.layer, descriptors.layer],
    }),
    'a layer whose digest is a number': layerWith({ digest: 5 }),
    'a layer without a type': layerWith({ mediaType: undefined }),
    'a layer of the type constructor': layerWith({ mediaType: 'constructor' }),
    'a layer whose size is text': layerWith({ size: 'x' }),
    'a layer whose size is negative': layerWith({ size: -1 }),
    'a layer whose size is beyond all': layerWith({ size: 1e300 }),
    'a layer that is smaller than stated': layerWith({ size: layer.length + 1 }),
    'a layer that is larger than stated': layerWith({ size: 5 }),
  };
  for (const [what, lie] of Object.entries(lies)) {
    test(what, async () => {
      const { address, heard } = await registryOf(lie);
      const waits: number[] = [];
      const { message } = await failure(readImage(address, waits));
      assert.ok(message.length < 500, message);
      assert.deepEqual(waits, [], 'it would be no better the next time');
      assert.ok(
        heard.every(({ line }) =>
          /^(GET|HEAD) \/v2\/(o\/x\/(manifests\/x|blobs\/sha256:\w{64}))?$/.test(line),
        ),
      );
    });
  }

  test('indexes within indexes without end', async () => {
    let depth = 0;
    const { address, heard } = await answering(({ url = '' }) => {
      if (url === '/v2/') return {};
      // each names the one that is said next
      const next = JSON.stringify({ depth: ++depth });
      const manifests = [{ ...index({}).manifests[0], digest: sha256(Buffer.from(next)) }];
      return { body: JSON.stringify({ manifests, depth }) };
    });
    await failure(readImage(address));
    assert.ok(heard.length < 10);
  });

  test('an answer without end is read once, and not to any end', async () => {
    const { address, heard } = await registryOf(' '.repeat(9 << 20));
    assert.match((await failure(readImage(address))).message, /longer than/);
    assert.equal(heard.length, 1);
  });

  test('another digest stated for it, which is not quoted', async () => {
    const { address } = await registryOf(manifestWith({}), ({ url = '' }) =>
      url.includes('/manifests/')
        ? {
            body: JSON.stringify(manifestWith({})),
            headers: { 'docker-content-digest': 'sha256:..%1b[31m' },
          }
        : undefined,
    );
    assert.match((await failure(readImage(address))).message, /says no sha256 digest/);
  });
});

describe('a name that is no tag and no digest', () => {
  for (const name of [
    '../../other/manifests/x',
    'x?y=z',
    'sha256:../..',
    `sha512:${'0'.repeat(128)}`,
    '',
  ]) {
    test(`"${name.slice(0, 20)}" comes into no address`, async () => {
      const { address, heard } = await registryOf(manifestWith({}));
      const store = open(address);
      await failure(store.getManifest(name));
      await failure(store.hasBlob(name));
      await failure(store.getBlob({ mediaType: '', digest: name, size: 1 }));
      await failure(
        store
          .putManifest(config, mediaTypes.manifest)
          .then(() => store.putTag(name, { bytes: config, mediaType: '', digest: '' })),
      );
      assert.ok(
        heard.every(({ line }) => !/other|sha512|\.\.|\?/.test(line)),
        JSON.stringify(heard),
      );
    });
  }
});

describe('redirects', () => {
  const bearer = (address: string) => ({
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="http://${address}/token",service="s"` },
  });
  test('lead to no address that is none of HTTP', async () => {
    for (const location of [
      'file:///etc/passwd',
      'ftp://127.0.0.1/x',
      'data:text/plain,hi',
      'http://[',
      '/v2/o/x/manifests/x',
    ]) {
      const { address, heard } = await registryOf({}, ({ url = '' }) =>
        url.includes('/manifests/') ? { status: 302, headers: { location } } : undefined,
      );
      const { message } = await failure(readImage(address));
      assert.match(message, /302, a redirect that is not followed/);
      assert.ok(heard.length <= 12);
    }
  });

  test('take a password nowhere else, be it for the registry or its token server', async () => {
    const thief = await answering(() => ({ body: '{"token":"t"}' }));
    const location = `http://${thief.address}/steal`;
    const first = await answering((request, { authorization }) => {
      if (request.url?.startsWith('/token')) return { status: 307, headers: { location } };
      return authorization ? {} : bearer(first.address);
    });
    await open(first.address, { login: password }).getManifest('x');
    const basic = await answering((request, { authorization }) => {
      if (!authorization)
        return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      return request.url?.includes('/blobs/') ? { status: 307, headers: { location } } : {};
    });
    await open(basic.address, { login: password }).hasBlob(sha256(layer));
    assert.ok(thief.heard.length > 0);
    for (const { authorization, body } of thief.heard) {
      assert.equal(authorization, undefined);
      assert.doesNotMatch(body, /SECRET/);
    }
  });

  test('take the token of a login nowhere else', async () => {
    const thief = await answering(() => ({ body: '{"token":"t"}' }));
    for (const location of [`http://${thief.address}/steal`, '//[']) {
      const { address } = await answering(request =>
        request.url?.startsWith('/token')
          ? { status: 307, headers: { location } }
          : bearer(request.headers.host ?? ''),
      );
      const folder = mkdtempSync(join(tmpdir(), 'logins-'));
      stops.push(async () => rmSync(folder, { recursive: true }));
      const auths = { [address]: { identitytoken: 'SECRET-REFRESH' } };
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
      const store = open(address, { env: { DOCKER_CONFIG: folder } });
      assert.match((await failure(store.getManifest('x'))).message, /redirects to where no login/);
    }
    assert.deepEqual(thief.heard, []);
  });

  test('may take content along, without a login, as some registries store it elsewhere', async () => {
    const stored: string[] = [];
    const storage = await answering((_, { authorization, body }) => {
      assert.equal(authorization, undefined);
      stored.push(body);
      return { status: 201 };
    });
    const { address } = await answering(({ method, url = '' }) => {
      if (url === '/v2/') return {};
      if (method === 'HEAD') return { status: 404 };
      if (method === 'POST')
        return { status: 202, headers: { location: '/v2/o/x/blobs/uploads/1' } };
      return { status: 307, headers: { location: `http://${storage.address}/put` } };
    });
    await open(address).putBytes(config, mediaTypes.config);
    assert.deepEqual(stored, [config.toString('latin1')]);
  });
});

describe('numbers that are none', () => {
  test('a length that is no number is unknown, and another one is another blob', async () => {
    for (const [length, there] of [
      ['', true],
      [String(layer.length), true],
      ['7', false],
    ] as const) {
      const { address } = await answering(({ method }) =>
        method === 'HEAD' ? { headers: length === '' ? {} : { 'content-length': length } } : {},
      );
      const store = open(address);
      assert.equal(await store.hasBlob(sha256(layer)), true);
      assert.equal(await store.hasBlob(sha256(layer), layer.length), there, length);
    }
  });

  test('a least size of chunks that nobody can hold makes one stream', async () => {
    for (const least of ['1e300', '99999999999', '-5', 'Infinity', '9'.repeat(300)]) {
      const patches: string[] = [];
      const { address } = await answering(({ method, url = '', headers }) => {
        if (url === '/v2/') return {};
        const location = '/v2/o/x/blobs/uploads/1';
        if (method === 'POST')
          return { status: 202, headers: { location, 'oci-chunk-min-length': least } };
        if (method === 'PATCH') {
          patches.push(String(headers['content-range']));
          return { status: 202, headers: { location } };
        }
        return { status: method === 'PUT' ? 201 : 404 };
      });
      await open(address).putBlob(layerOf(noise(300_000, 1)));
      assert.deepEqual(patches, ['undefined'], least);
    }
  });

  test('a server that asks to come again in years is not waited for', async () => {
    const { address, heard } = await registryOf({}, ({ url = '' }) =>
      url === '/v2/' ? undefined : { status: 429, headers: { 'retry-after': '99999999' } },
    );
    const waits: number[] = [];
    const { message } = await failure(open(address, { waits }).getManifest('x'));
    assert.match(message, /429, too many requests/);
    assert.deepEqual(waits, []);
    assert.equal(heard.length, 1);
    const upload = failure(open(address, { waits }).putBytes(config, mediaTypes.config));
    assert.match((await upload).message, /429/);
  });

  test('a token that no header can hold, and lives for ever, is none', async () => {
    for (const token of ['a\nb', 'ü', 'x'.repeat(40_000), 5, {}, '']) {
      const { address } = await answering(request =>
        request.url?.startsWith('/token')
          ? { body: JSON.stringify({ token, expires_in: 1e300 }) }
          : {
              status: 401,
              headers: {
                'www-authenticate': `Bearer realm="http://${request.headers.host}/token"`,
              },
            },
      );
      assert.match((await failure(open(address).getManifest('x'))).message, /without a token/);
    }
  });
});

test('what a registry says is shown in one line, without what it was asked with', async () => {
  const { address } = await answering((request, { authorization }) => {
    if (!authorization) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
    if (request.url === '/v2/') return {};
    const message = `bad ${authorization} \u001b]0;pwn\u0007\u001b[31mRED\r\n::set-output name=x::y`;
    return { status: 403, body: JSON.stringify({ errors: [null, { code: 'DENIED', message }] }) };
  });
  const { details } = await failure(open(address, { login: password }).getManifest('x'));
  assert.equal(details.evidence?.length, 1);
  const [line = ''] = details.evidence ?? [];
  assert.match(line, /^DENIED: bad Basic \*\*\*/);
  assert.doesNotMatch(line, /\p{C}/u);
  assert.ok(!line.includes(Buffer.from('u:SECRET').toString('base64')));
});

test('an upload that is to go to no address is a Failure', async () => {
  for (const location of ['file:///etc/x', 'http://[', undefined]) {
    const { address } = await answering(({ method, url }) => {
      if (url === '/v2/') return {};
      if (method !== 'POST') return { status: 404 };
      return { status: 202, headers: location === undefined ? {} : { location } };
    });
    await failure(open(address).putBytes(config, mediaTypes.config));
  }
});
