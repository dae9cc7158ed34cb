// An image goes twice to each registry with a habit of its own: the second time nothing of it is sent.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { knownImage } from '../../../src/commands/known-image.ts';
import { push, putImage } from '../../../src/commands/push.ts';
import { sendLayers } from '../../../src/commands/send-image.ts';
import { type LayerBlob, whileSending } from '../../../src/commands/transfers.ts';
import { Failure } from '../../../src/host/failure.ts';
import type { Host } from '../../../src/host/host.ts';
import { stoppable } from '../../../src/host/stoppable.ts';
import type { SourceImage } from '../../../src/image/sources/source-image.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { evidenceIn } from '../../../src/registry/evidence.ts';
import { memoryPlace } from '../../../src/registry/memory/place.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { arrangeKnowledge, type Knowledge, presenceIn } from '../../../src/registry/reuse.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { instantRetries, layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import {
  type Behaviour,
  type RegistryStandIn,
  startRegistryStandIn,
} from '../../tools/registry-stand-in.ts';

const where = { storeDir: '/nix/store', architecture: 'amd64' };
const mib = 2 ** 20;

/** Layers with these contents: of all but the first it is known what they are, and who might lend them. */
function layersOf(contents: readonly Buffer[], registry: string) {
  return contents.map((bytes, at) => {
    const digest = sha256(bytes);
    const known = at === 0 ? {} : { digest, diffId: digest, size: bytes.length };
    return {
      name: `layer ${at}`,
      source: Object.assign(layerOf(bytes), known),
      key: `key of ${digest}`,
      ...(at === 0 ? {} : { from: { registry, repository: 'o/base' } }),
    };
  });
}

function imageOf(layers: ReturnType<typeof layersOf>): SourceImage {
  const config = (diff_ids: readonly string[]) =>
    Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids } }),
    );
  const rest = { repoTags: [], sequential: false, close: async () => undefined };
  return { description: 'an image', layers, config, ...rest };
}

const send = (image: SourceImage, store: ImageStore, knowledge: Knowledge, host: Host) =>
  whileSending(store, stoppable(host), transfers =>
    sendLayers(image, {
      ...{ store, transfers, knowledge, presence: presenceIn(store, knowledge) },
      ...{ layer: 'an image', labels: {}, annotations: {} },
    }),
  );

/** What a run does on a machine that knows nothing but what the registry remembers. */
async function run(registry: RegistryStandIn, { name, tags, contents }: typeof image) {
  const host = quietHost();
  const store = remoteStore(parseReference(`${registry.address}/o/comfyui`), {
    ...{ host, credentials: { username: 'user', password: 'secret' } },
    retries: instantRetries(),
  });
  const layers = layersOf(contents, registry.address);
  const before = registry.receivedBytes();
  const unwritten: unknown[] = [];
  try {
    await store.checkWrite?.();
    const mayWrite = async () => true;
    const sleep = async () => undefined;
    const place = memoryPlace(store, 'cache-x', { ...where, mayWrite, host, sleep });
    const { memory } = await place.read();
    const knowledge = arrangeKnowledge(
      [{ memory, evidence: evidenceIn(store) }],
      mediaTypes.layer.none,
    );
    const target = { outPath: `${where.storeDir}/${name}`, variant: 'none' };
    const asking = { store, knowledge, annotations: {}, tags, tagged: [], host };
    const known = await knownImage(target, asking);
    let blobs: readonly LayerBlob[] = known?.blobs ?? [];
    await push(
      {
        ...{ store, tags, host },
        remember: async finished => {
          const digest = finished?.manifest.digest;
          const made = { target, outputs: [], roots: [], blobs, ...(digest ? { digest } : {}) };
          await place.write({ image: made, isNews: false }, finished?.put);
        },
        notRemembered: error => unwritten.push(error),
      },
      async () => {
        if (known) return known.sent;
        const sent = await send(imageOf(layers), store, knowledge, host);
        blobs = sent.blobs;
        return { manifest: sent.image.manifest, put: () => putImage(store, sent.image), target };
      },
    );
    assert.deepEqual(unwritten, []);
    const read = layers.map(({ source }) => source.opened > 0);
    return { read, sent: registry.receivedBytes() - before, isKnown: known !== undefined };
  } finally {
    await store.close();
  }
}

const layers = [noise(3 * mib, 1), noise(10, 2), noise(2000, 3)];
const image = { name: `${'a'.repeat(32)}-image`, tags: ['cu130', 'latest'], contents: layers };
const nextImage = {
  name: `${'b'.repeat(32)}-image`,
  tags: ['next'],
  contents: [...layers.slice(0, 2), noise(2000, 4)],
};

async function start(t: TestContext, behaviour: Partial<Behaviour>) {
  const registry = await startRegistryStandIn(behaviour);
  t.after(registry.stop);
  return registry;
}

type Answers = NonNullable<Behaviour['answer']>;

/** Answers requests of a kind in one way. */
const answering =
  (method: string, path: RegExp, status: number, code?: string): Answers =>
  ({ method: asked, url }) =>
    asked === method && path.test(url ?? '')
      ? { status, ...(code ? { body: JSON.stringify({ errors: [{ code }] }) } : {}) }
      : undefined;

const blob = /\/blobs\/sha256/;
const upload = /\/uploads\/./;
const root = /^\/v2\/$/;
const all = /./;

/** Answers so the first times, of each two, that something is asked for. */
function everySecond(answer: Answers): Answers {
  let times = 0;
  return request => {
    const given = answer(request);
    return given && times++ % 2 === 0 ? given : undefined;
  };
}

/** To another name of this machine, once each. */
const movedAway =
  (method: string): Answers =>
  ({ method: asked, url, headers: { host = '' } }: IncomingMessage) => {
    if (asked !== method || !upload.test(url ?? '') || url?.includes('moved=')) return undefined;
    const location = `http://${host.replace('127.0.0.1', 'localhost')}${url}&moved=1`;
    return { status: 307, headers: { location } };
  };

const isImage = (manifest: object) => {
  const { config } = manifest as { config?: { mediaType: string } };
  return config?.mediaType === mediaTypes.config;
};
const noArtifacts = (status: number) => (manifest: object) =>
  isImage(manifest) ? undefined : status;

/** Habits of registries that hold the image all the same. */
const habits: Record<string, Partial<Behaviour>> = {
  none: {},
  'HEAD is not allowed': { answer: answering('HEAD', blob, 405) },
  'HEAD is denied': { answer: answering('HEAD', blob, 403) },
  'HEAD is a bad request': { answer: answering('HEAD', blob, 400) },
  'HEAD wants a login that GET does not want': { answer: answering('HEAD', blob, 401) },
  'blobs are handed out elsewhere, by addresses for GET alone': { signedBlobs: true },
  'a tag that is not there is denied': { missing: 403 },
  'a tag that is not there wants a login': { missing: 401 },
  'a tag that is not there is a bad request': { missing: 400 },
  'manifests are put by tag alone': { byTagAlone: 'refused' },
  'manifests are shown with a tag alone': { byTagAlone: 'hidden' },
  'no artifacts: 400': { isTaken: noArtifacts(400) },
  'no artifacts: 415': { isTaken: noArtifacts(415) },
  'no artifacts: 500': { isTaken: noArtifacts(500) },
  'no artifactType': {
    isTaken: manifest => ('artifactType' in manifest ? 400 : undefined),
  },
  'tags are immutable: 400': { immovable: 400 },
  'tags are immutable: 409': { immovable: 409 },
  'tags are immutable: 412': { immovable: 412 },
  'no Docker-Content-Digest': { lie: '' },
  'a relative Location': { location: 'relative' },
  'an absolute Location': { location: 'absolute' },
  'a Location on another host': { location: 'other name' },
  'a Location only at first': { movesOnce: true },
  'a mount is unknown': { mount: 404 },
  'a mount is not allowed': { mount: 405 },
  'a mount is a fault': { mount: 500 },
  'a mount wants a login': { mount: 401 },
  'a mount lies': { mount: 'lie' },
  'uploads begin with 200': { successes: { POST: 200 } },
  'uploads begin with 201': { successes: { POST: 201 } },
  'chunks are taken with 200': { successes: { PATCH: 200 } },
  'blobs are taken with 200': { successes: { PUT: 200 } },
  'blobs are taken with 202': { successes: { PUT: 202 } },
  'blobs are taken with 202, and stored later': { hidesFor: 2 },
  'blobs are taken with 409': { conflicts: true },
  'blobs are seen later': {
    answer: everySecond(answering('PUT', /manifests/, 400, 'MANIFEST_BLOB_UNKNOWN')),
  },
  'chunks of a least size': { minimumChunk: mib },
  'chunks of a least size that no layer has': { minimumChunk: 100 * mib },
  'chunks of a largest size': { largestBody: mib },
  'a length is wanted': {
    answer: request =>
      request.method === 'PATCH' && request.headers['content-length'] === undefined
        ? { status: 411 }
        : undefined,
  },
  'no PATCH: 404': { answer: answering('PATCH', upload, 404, 'UNSUPPORTED') },
  'no PATCH: 405': { answer: answering('PATCH', upload, 405) },
  'no PATCH: 501': { answer: answering('PATCH', upload, 501) },
  'PATCH is redirected': { answer: movedAway('PATCH') },
  'PUT is redirected': { answer: movedAway('PUT') },
  'uploads are forgotten': { forgets: 2 },
  'uploads cannot be given up': { answer: answering('DELETE', upload, 400) },
  'every fourth request is too much': { limitsEach: 4 },
  'every second upload is too much': { answer: everySecond(answering('POST', all, 429)) },
  'every second manifest is too much': { answer: everySecond(answering('PUT', /manifests/, 429)) },
  'tokens, for each scope': { wantsTokens: true },
  'a password': { wantsPassword: ['BASIC realm="Sonatype Nexus"'] },
  'a password, where tickets are better': {
    wantsPassword: ['Negotiate', 'Basic realm="x"'],
  },
  'a root that is not there': { answer: answering('GET', root, 404) },
  'a root that is denied': { answer: answering('GET', root, 403) },
  'a root that is not allowed': { answer: answering('GET', root, 405) },
  'a root that is out of order': { answer: answering('GET', root, 503) },
  'a root that leads to pages': {
    answer: ({ url }) =>
      url === '/v2/' ? { status: 302, headers: { location: '/ui/' } } : undefined,
  },
  'a root with a challenge that nobody knows': {
    answer: ({ url }) =>
      url === '/v2/' ? { status: 401, headers: { 'www-authenticate': 'Negotiate' } } : undefined,
  },
};

describe('an image that goes twice to a registry is sent once', () => {
  for (const [habit, behaviour] of Object.entries(habits)) {
    test(habit, async t => {
      const registry = await start(t, behaviour);
      assert.deepEqual((await run(registry, image)).read, [true, true, true]);
      assert.ok(registry.requests.some(line => line.includes('from=o%2Fbase')));
      const again = await run(registry, image);
      assert.deepEqual(again, { read: [false, false, false], sent: 0, isKnown: true });
      assert.deepEqual((await run(registry, nextImage)).read, [false, false, true]);
    });
  }
});

/** What no image can be sent to, and what people are told to do. */
const obstacles: Record<string, [behaviour: Partial<Behaviour>, next: RegExp]> = {
  'uploads are denied': [{ answer: answering('POST', all, 403, 'DENIED') }, /docker login/],
  'the repository has to be created': [
    { answer: answering('POST', all, 404, 'NAME_UNKNOWN') },
    /^Check the name of the image, and that the repository exists/,
  ],
  'no zstd': [{ isTaken: () => 400 }, /`compression: gzip`/],
  'manifests of a largest size': [{ isTaken: () => 413 }, /^Make fewer layers/],
  'bodies of less than 512 KiB': [{ largestBody: 400_000 }, /^Lower `max-layer-size`/],
  'no room: 507': [{ answer: answering('PATCH', upload, 507) }, /^Free space in the registry/],
  'to come again in hours': [
    {
      answer: request =>
        request.method === 'PATCH'
          ? { status: 429, headers: { 'retry-after': '10000' } }
          : undefined,
    },
    /^Try again later/,
  ],
  'a token server at no address': [
    {
      answer: () => ({ status: 401, headers: { 'www-authenticate': 'Bearer realm="/token"' } }),
    },
    /^Check the configuration of the registry/,
  ],
  'other tags that are immutable': [
    { answer: answering('PUT', /manifests\/cu130/, 412) },
    /^Choose a tag that is not there yet/,
  ],
};

describe('a registry that can hold no image is told with what to do', () => {
  for (const [obstacle, [behaviour, next]] of Object.entries(obstacles)) {
    test(obstacle, async t => {
      const registry = await start(t, behaviour);
      await assert.rejects(run(registry, image), (error: unknown) => {
        assert.ok(error instanceof Failure, String(error));
        assert.match(error.details.next ?? '', next);
        return true;
      });
      assert.ok(!image.tags.some(tag => registry.manifests.has(tag)));
    });
  }
});
