import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import {
  diffIdsIn,
  findManifest,
  readConfig,
  readManifest,
  WrongDocument,
} from '../../../src/image/oci/documents.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { sha256 } from '../../tools/blobs.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const digest = `sha256:${'1'.repeat(64)}`;
const config = { mediaType: mediaTypes.config, digest, size: 7 };
const layer = { mediaType: mediaTypes.layer.zstd, digest, size: 9 };
const mediaType = mediaTypes.manifest;
const manifest = { schemaVersion: 2 as const, mediaType, config, layers: [layer] };

/** A store that has these documents, by their names and digests. */
function storeOf(documents: Record<string, unknown>): ImageStore {
  const all = Object.entries(documents).map(([name, value]) => [name, json(value)] as const);
  const found = new Map(
    all.flatMap(([name, bytes]) => [
      [name, bytes],
      [sha256(bytes), bytes],
    ]),
  );
  return {
    getManifest: async (name: string) => {
      const bytes = found.get(name);
      return bytes && { bytes, mediaType: '', digest: sha256(bytes) };
    },
    getBlob: async ({ digest }: { digest: string }) => found.get(digest),
  } as unknown as ImageStore;
}

/** What is said of a document that is none. */
function wrong(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof WrongDocument);
    return error.message;
  }
  return assert.fail('it was read');
}

describe('a manifest', () => {
  const read = (changes: object) => readManifest(json({ ...manifest, ...changes }), 'x');

  test('is read with all that it says, and its descriptors with what is known of them', () => {
    const annotations = { a: 'b', c: 5 };
    const platform = { architecture: 'arm', os: 'linux', variant: 'v7' };
    const more = { urls: [], data: '', platform, annotations };
    const found = read({ layers: [{ ...layer, ...more }], artifactType: 'a/b', subject: 1 });
    const { layers, ...rest } = found;
    assert.deepEqual(rest, {
      schemaVersion: 2,
      mediaType,
      config,
      artifactType: 'a/b',
      subject: 1,
    });
    assert.deepEqual(layers, [{ ...layer, platform, annotations: { a: 'b' } }]);
    const bare = { architecture: 'arm64', os: 'linux' };
    assert.deepEqual(read({ layers: [{ ...layer, platform: bare }] }).layers[0]?.platform, bare);
  });

  test('may have the largest file there is, and as many layers as a memory has', () => {
    assert.equal(read({ layers: [{ ...layer, size: 0 }] }).layers[0]?.size, 0);
    const largest = { ...layer, size: limits.file };
    assert.equal(read({ layers: [largest] }).layers[0]?.size, limits.file);
    const layers = Array.from({ length: limits.manifestLayers }, () => layer);
    assert.equal(read({ layers }).layers.length, limits.manifestLayers);
    const more = wrong(() => read({ layers: [...layers, layer] }));
    assert.match(more, /x does not describe an image: it has 10001 layers\./);
  });

  test('of which a part is wrong is refused by the name of that part', () => {
    const layerWith = (changes: object) => () =>
      read({ layers: [layer, { ...layer, ...changes }] });
    assert.match(wrong(layerWith({ size: limits.file + 1 })), /its layer 2 has the size no text/);
    assert.match(wrong(layerWith({ size: 1.5 })), /its layer 2 has the size/);
    assert.match(wrong(layerWith({ size: -1 })), /its layer 2 has the size/);
    assert.match(wrong(layerWith({ size: '7' })), /its layer 2 has the size "7"/);
    assert.match(wrong(layerWith({ digest: 'sha256:x' })), /layer 2 has "sha256:x" for a sha256/);
    assert.match(wrong(layerWith({ digest: undefined })), /layer 2 has nothing for a sha256/);
    assert.match(wrong(layerWith({ mediaType: 'tar' })), /layer 2 has the media type "tar"/);
    assert.match(
      wrong(() => read({ layers: [5] })),
      /its layer 1 is no descriptor/,
    );
    assert.match(
      wrong(() => read({ config: { ...config, digest: 1 } })),
      /its config has no text/,
    );
    assert.match(
      wrong(() => read({ config: [] })),
      /its manifest has no config or no layers/,
    );
    assert.match(
      wrong(() => read({ layers: {} })),
      /its manifest has no config or no layers/,
    );
    assert.match(
      wrong(() => readManifest(Buffer.from('{'), 'x')),
      /it is no JSON\./,
    );
    assert.match(
      wrong(() => readManifest(Buffer.from('[]'), 'x')),
      /it is no JSON object/,
    );
    assert.match(
      wrong(() => readManifest(Buffer.from('null'), 'x')),
      /it is no JSON object/,
    );
    const deep = Buffer.from('['.repeat(200));
    assert.match(
      wrong(() => readManifest(deep, 'x')),
      /more than 100 levels/,
    );
  });
});

describe('an index', () => {
  const entry = (architecture: string, of: unknown, os = 'linux') => ({
    mediaType: mediaTypes.manifest,
    digest: sha256(json(of)),
    size: 5,
    platform: { architecture, os },
  });
  const find = (documents: Record<string, unknown>, architecture = 'amd64') =>
    findManifest(storeOf(documents), 'x', linuxOn(architecture), 'o/x:x');
  const arm = { ...manifest, annotations: { for: 'arm64' } };

  test('leads to the manifest of the machine, or says why not', async () => {
    const index = { manifests: [entry('arm64', arm), entry('amd64', manifest)] };
    const documents = { x: index, manifest, arm };
    const found = await find(documents);
    assert.ok(typeof found === 'object');
    assert.equal(found.stored.digest, sha256(json(manifest)));
    const other = await find(documents, 'arm64');
    assert.ok(typeof other === 'object');
    assert.deepEqual(other.manifest.annotations, { for: 'arm64' });
    assert.equal(await find(documents, 's390x'), 'other-platform');
    assert.equal(await find({ y: manifest }), 'missing');
    assert.equal(await find({ x: index, arm }), 'missing', 'what it names is gone');
    const itself = await find({ x: manifest });
    assert.ok(typeof itself === 'object');
  });

  test('of indexes has an end', async () => {
    const documents: Record<string, unknown> = { manifest };
    let of: unknown = manifest;
    const wrap = () => {
      of = { manifests: [entry('amd64', of)] };
      documents[`index${Object.keys(documents).length}`] = of;
      documents.x = of;
    };
    for (let depth = 0; depth < limits.nestedIndexes; depth += 1) wrap();
    assert.ok(typeof (await find(documents)) === 'object');
    wrap();
    await assert.rejects(find(documents), /more than 4 indexes lie within each other/);
  });

  test('that is wrong is refused', async () => {
    const entries = Array.from({ length: limits.indexEntries }, () => entry('amd64', manifest));
    assert.ok(typeof (await find({ x: { manifests: entries }, manifest })) === 'object');
    const more = { manifests: [...entries, entry('amd64', manifest)] };
    await assert.rejects(find({ x: more }), /its index lists 1001 manifests/);
    await assert.rejects(find({ x: { manifests: {} } }), /its index has no list of manifests/);
    const broken = { manifests: [entry('amd64', manifest), { mediaType: 'a/b' }] };
    await assert.rejects(find({ x: broken }), /manifest 2 of its index has nothing for a sha256/);
  });

  test('that says nothing of a platform has its only image for all', async () => {
    const bare = entry('amd64', manifest);
    for (const platform of [undefined, 'amd64', { architecture: 'amd64' }, { os: 'linux' }]) {
      const said = { ...bare, platform };
      assert.ok(typeof (await find({ x: { manifests: [said] }, manifest })) === 'object');
      const two = { manifests: [{ ...entry('arm64', arm), platform }, said] };
      const isSaid = typeof platform === 'object' && platform.architecture !== undefined;
      const found = await find({ x: two, manifest, arm });
      assert.equal(typeof found, isSaid ? 'object' : 'string');
    }
  });
});

describe('a config', () => {
  const stated = { rootfs: { diff_ids: [digest] } };
  const of = (value: unknown, changes: object = {}) => {
    const bytes = json(value);
    const described = { ...config, digest: sha256(bytes), size: bytes.length, ...changes };
    return readConfig(
      storeOf({ value }),
      { ...manifest, config: described },
      'x',
    ) as Promise<unknown>;
  };

  test('gives its bytes and a diffID for each layer', async () => {
    assert.deepEqual(await of(stated), { bytes: json(stated), diffIds: [digest] });
    assert.deepEqual(diffIdsIn(json({ rootfs: { diff_ids: [] } }), 'x'), []);
  });

  test('that is gone, too large or of other layers is refused', async () => {
    await assert.rejects(of(stated, { digest }), /its config sha256:1+ is gone/);
    await of(stated, { size: limits.document });
    const large = of(stated, { size: limits.document + 1 });
    await assert.rejects(large, /its config has 16777217 bytes/);
    const two = { rootfs: { diff_ids: [digest, digest] } };
    await assert.rejects(of(two), /it has 1 layers and 2 diffIDs/);
    for (const value of [
      {},
      { rootfs: 5 },
      { rootfs: {} },
      { rootfs: { diff_ids: [digest, 'x'] } },
    ]) {
      await assert.rejects(of(value), (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.match(
          error.message,
          /the config of x does not .* no rootfs\.diff_ids that are digests/,
        );
        return true;
      });
    }
  });
});
