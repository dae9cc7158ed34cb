// The memory where several write it at a time, and where a registry does not welcome it.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { mediaTypes } from '../../../src/image/types.ts';
import { type MemoryPlace, memoryPlace } from '../../../src/registry/memory/place.ts';
import { Refusal } from '../../../src/registry/refusal.ts';
import type { RememberedImage } from '../../../src/registry/remembered.ts';
import type { ImageStore, StoredManifest } from '../../../src/registry/store.ts';
import { noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';

const where = { storeDir: '/nix/store', architecture: 'amd64' };
const image = (name: string): RememberedImage => ({
  ...{ digest: sha256(Buffer.from(name)), outputs: [], roots: [] },
  blobs: [
    {
      ...{ kind: 'content', key: sha256(Buffer.from(`${name} unpacked`)), paths: [] },
      ...{
        digest: sha256(Buffer.from(`${name} packed`)),
        size: `${name} packed`.length,
        uncompressedSize: 1,
      },
      ...{ diffId: sha256(Buffer.from(`${name} unpacked`)), mediaType: mediaTypes.layer.zstd },
    },
  ],
});
const lesson = (name: string) => ({
  ...{ image: image(name), isNews: true, record: { text: `record of ${name}` } },
});

/** A clock that goes on when everybody waits, and by no other means. */
function madeTime() {
  let now = 0;
  const sleepers: { until: number; wake: () => void }[] = [];
  return {
    clock: () => now,
    sleep: (ms: number) =>
      new Promise<void>(wake => {
        sleepers.push({ until: now + ms, wake });
      }),
    /** Lets time pass until all of the work is done. */
    async pass(work: Promise<unknown>) {
      let done = false;
      work.then(
        () => (done = true),
        () => (done = true),
      );
      while (!done) {
        for (let turn = 0; turn < 50 && !done; turn += 1) await new Promise(setImmediate);
        sleepers.sort((one, other) => one.until - other.until);
        const next = sleepers.shift();
        if (next === undefined) continue;
        now = next.until;
        next.wake();
      }
      return work;
    },
  };
}

/** Numbers that look random and are the same each time, in [0, 1). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Shelf {
  manifests: Map<string, StoredManifest>;
  blobs: Map<string, Buffer>;
}

/** A registry in this process; each request takes some of the time that is given. */
function storeIn({ manifests, blobs }: Shelf, delay: () => Promise<void>): ImageStore {
  const put = async (bytes: Buffer, mediaType: string) => {
    await delay();
    const digest = sha256(bytes);
    blobs.set(digest, bytes);
    return { digest, mediaType, size: bytes.length };
  };
  return {
    kind: 'registry',
    repository: 'r.example/o/x',
    getManifest: async name => {
      await delay();
      return manifests.get(name);
    },
    getBlob: async ({ digest }) => {
      await delay();
      return blobs.get(digest);
    },
    hasBlob: async () => true,
    putBytes: put,
    putManifest: put,
    putTag: async (tag, manifest) => {
      await delay();
      manifests.set(tag, manifest);
    },
  } as Partial<ImageStore> as ImageStore;
}

const digestsAt = async (place: MemoryPlace) =>
  (await place.read()).memory.images.map(({ digest }) => digest);

test('of ten that write at the same time, none is lost, sixty times', async () => {
  for (let round = 0; round < 60; round += 1) {
    const time = madeTime();
    const random = numbers(round + 1);
    const shelf: Shelf = { manifests: new Map(), blobs: new Map() };
    const delay = () => time.sleep(20 + 80 * random());
    const host = quietHost({ clock: time.clock });
    const names = Array.from({ length: 10 }, (_, at) => `image ${at}`);
    const writing = names.map(async name => {
      const place = memoryPlace(storeIn(shelf, delay), 'cache', {
        ...where,
        host,
        ...time,
        random,
      });
      await place.read();
      await time.sleep(200 * random());
      await place.write(lesson(name));
    });
    await time.pass(Promise.all(writing));
    const place = memoryPlace(
      storeIn(shelf, async () => undefined),
      'cache',
      { ...where, host },
    );
    const found = new Set(await digestsAt(place));
    const lost = names.filter(name => !found.has(image(name).digest));
    assert.deepEqual(lost, [], `round ${round}`);
    assert.equal((await place.read()).memory.records?.length, 10, `round ${round}`);
  }
});

test('what another has written meanwhile is merged, and not written over', async () => {
  const shelf: Shelf = { manifests: new Map(), blobs: new Map() };
  const store = storeIn(shelf, async () => undefined);
  const host = quietHost();
  const other = memoryPlace(store, 'cache', { ...where, host, sleep: async () => undefined });
  let isWritten = false;
  const putManifest: ImageStore['putManifest'] = async (...put) => {
    if (!isWritten) {
      isWritten = true;
      await other.write(lesson('other'));
    }
    return store.putManifest(...put);
  };
  let waits = 0;
  const sleep = async () => {
    waits += 1;
  };
  const place = memoryPlace({ ...store, putManifest }, 'cache', { ...where, host, sleep });
  await place.write(lesson('mine'));
  assert.deepEqual(await digestsAt(place), [image('mine').digest, image('other').digest]);
  assert.equal(waits, 1, 'only what is written is looked at again');
});

test('what was written is looked at after twice the time that it took, and 0.3 s at least', async () => {
  for (const [each, pause] of [
    [10, 300],
    [200, 2_000],
  ] as const) {
    const time = madeTime();
    const waits: number[] = [];
    const store = storeIn({ manifests: new Map(), blobs: new Map() }, () => time.sleep(each));
    const sleep = (ms: number) => {
      waits.push(ms);
      return time.sleep(ms);
    };
    const host = quietHost({ clock: time.clock });
    const place = memoryPlace(store, 'cache', { ...where, host, sleep });
    await time.pass(place.write(lesson('one')));
    assert.equal(waits.length, 1);
    assert.ok((waits[0] ?? 0) >= pause, `${waits}`);
  }
});

test('one that is overwritten without end is told, and ends', async () => {
  const shelf: Shelf = { manifests: new Map(), blobs: new Map() };
  const store = storeIn(shelf, async () => undefined);
  const host = quietHost();
  const sleep = async () => shelf.manifests.clear();
  const place = memoryPlace(store, 'cache', { ...where, host, sleep });
  await assert.rejects(place.write(lesson('one')), /Others write the memory .* all the time/);
});

test('a memory that was read is looked at once more before it is written, and once after', async () => {
  const shelf: Shelf = { manifests: new Map(), blobs: new Map() };
  const plain = storeIn(shelf, async () => undefined);
  let looks = 0;
  const getManifest: ImageStore['getManifest'] = async name => {
    looks += 1;
    return plain.getManifest(name);
  };
  const place = memoryPlace({ ...plain, getManifest }, 'cache', {
    ...{ ...where, host: quietHost(), sleep: async () => undefined },
  });
  await place.read();
  assert.equal(looks, 1);
  await place.write(lesson('one'));
  assert.equal(looks, 3);
  await place.write({ ...lesson('one'), isNews: false });
  assert.equal(looks, 3, 'nothing is new');
});

test('where what it tells of does not come to be, no tag moves', async () => {
  const shelf: Shelf = { manifests: new Map(), blobs: new Map() };
  const place = memoryPlace(
    storeIn(shelf, async () => undefined),
    'cache',
    { ...where, host: quietHost(), sleep: async () => undefined },
  );
  const failed = new Error('the image was refused');
  await assert.rejects(place.write(lesson('one'), Promise.reject(failed)), failed);
  assert.equal(shelf.manifests.size, 0);
});

test('beyond 20 MB the oldest images go', async () => {
  const shelf: Shelf = { manifests: new Map(), blobs: new Map() };
  const store = storeIn(shelf, async () => undefined);
  const host = quietHost();
  const open = () => memoryPlace(store, 'cache', { ...where, host, sleep: async () => undefined });
  const size = 8_000_000;
  for (const [at, name] of ['one', 'two', 'three', 'four'].entries()) {
    const more = { incompressible: noise(size, at).toString('base64') };
    await open().write({ ...lesson(name), image: { ...image(name), more } });
  }
  assert.deepEqual(await digestsAt(open()), [image('four').digest, image('three').digest]);
});

/** A registry over HTTP that has the layers of these images, and what was put into it. */
async function registryWith(context: TestContext, ...images: string[]) {
  const registry = await startRegistryStandIn();
  for (const name of images) {
    for (const { digest } of image(name).blobs)
      registry.blobs.set(digest, Buffer.from(`${name} packed`));
  }
  const store = storeOn(context, registry, 'o/x');
  const open = (host = quietHost()) =>
    memoryPlace(store, 'cache', { ...where, host, sleep: async () => undefined });
  const puts = () => registry.requests.filter(line => /^PUT .*\/manifests\//.test(line));
  return { registry, store, open, puts };
}

describe('where only images are taken', () => {
  for (const status of [400, 415, 500]) {
    test(`and ${status} says so: it is put as one, the other shape is tried once`, async t => {
      const { registry, open, puts } = await registryWith(t, 'one', 'two');
      let refused = 0;
      const take = registry.blobs;
      registry.behaviour.isTaken = manifest => {
        if (!('artifactType' in manifest)) return undefined;
        refused += 1;
        return status;
      };
      const place = open();
      await place.write(lesson('one'));
      await place.write(lesson('two'));
      assert.equal(refused, 1);
      assert.equal(puts().length, 5);
      const manifest = JSON.parse(registry.manifests.get('cache')?.bytes.toString() ?? '');
      assert.equal(manifest.config.mediaType, mediaTypes.config);
      const config = JSON.parse(take.get(manifest.config.digest)?.toString() ?? '');
      assert.equal(config.rootfs.diff_ids.length, manifest.layers.length);
      assert.deepEqual(await digestsAt(open()), [image('two').digest, image('one').digest]);
    });
  }

  test('a memory that is refused in each shape rejects with the refusal', async t => {
    const { registry, open } = await registryWith(t, 'one');
    registry.behaviour.isTaken = () => 415;
    await assert.rejects(open().write(lesson('one')), Refusal);
  });
});

describe('where tags do not move', () => {
  const immutable = [400, 409, 412];
  for (const status of immutable) {
    test(`and ${status} says so: each memory has a tag of its own`, async t => {
      const { registry, open } = await registryWith(t, 'one', 'two', 'three');
      registry.behaviour.immovable = status;
      const notices: string[] = [];
      const host = quietHost({
        emit: event => {
          if (event.type === 'notice') notices.push(event.message);
        },
      });
      for (const name of ['one', 'two', 'three']) {
        const place = open(host);
        await place.read();
        await place.write(lesson(name));
      }
      const tags = [...registry.manifests.keys()].filter(tag => tag.startsWith('cache'));
      assert.deepEqual(tags, ['cache', 'cache.1', 'cache.2']);
      const all = ['three', 'two', 'one'].map(name => image(name).digest);
      assert.deepEqual(await digestsAt(open()), all);
      assert.match(notices[0] ?? '', /the memory is at cache\.1\. Exempt the tags cache-\*/);
    });
  }

  test('two that take the same number are both kept', async t => {
    const { registry, open } = await registryWith(t, 'one', 'two', 'three');
    registry.behaviour.immovable = 412;
    await open().write(lesson('one'));
    await Promise.all([open().write(lesson('two')), open().write(lesson('three'))]);
    const found = await digestsAt(open());
    assert.deepEqual(
      found.toSorted(),
      ['one', 'two', 'three'].map(name => image(name).digest).toSorted(),
    );
  });
});
