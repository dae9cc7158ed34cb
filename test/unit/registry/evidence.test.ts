import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { entriesBlobSource } from '../../../src/image/blob-sources.ts';
import type { Packing } from '../../../src/image/compress.ts';
import { framePool } from '../../../src/image/frames.ts';
import { blobKey } from '../../../src/image/keys.ts';
import type { TarEntry } from '../../../src/image/tar-header.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { evidenceIn } from '../../../src/registry/evidence.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import type { KnownBlob, RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge, presenceIn } from '../../../src/registry/reuse.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { quietHost } from '../../tools/host.ts';
import { pushImage } from '../../tools/test-image.ts';

const root = mkdtempSync(join(tmpdir(), 'evidence-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;

const packing: Packing = { compression: 'zstd', pool: framePool(1) };
const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;

/** A layer of empty folders at these store paths. */
function layerOf(paths: readonly string[]) {
  const folder = (path: string): TarEntry => ({ type: 'directory', path, mode: 0o755, size: 0 });
  const entries = [folder('nix'), folder('nix/store'), ...paths.map(path => folder(path.slice(1)))];
  return entriesBlobSource(() => entries, packing);
}

/** What is remembered otherwise than it was; `unfinished`: by a run that made no image. */
type Told = Partial<RememberedImage> & { unfinished?: true };

/** A repository with an image of two layers, and what may be remembered of it. */
async function repository() {
  const folder = join(root, String(count++));
  const asked: string[] = [];
  const layout = layoutStore(folder, quietHost());
  const store: ImageStore = {
    ...layout,
    getManifest: name => {
      asked.push(name);
      return layout.getManifest(name);
    },
    openBlob: (descriptor, start) => {
      asked.push(descriptor.digest);
      return layout.openBlob(descriptor, start);
    },
  };
  const contents = [[storePath('glibc')], [storePath('python'), storePath('torch')]];
  const digest = await pushImage(layout, contents.map(layerOf), ['x']);
  const blobs: KnownBlob[] = [];
  for (const paths of contents) {
    const result = await layout.putBlob(layerOf(paths));
    blobs.push({ ...result, key: blobKey(paths), mediaType: mediaTypes.layer.zstd, paths });
  }
  const [glibc, python] = blobs as [KnownBlob, KnownBlob];
  const known = (...images: Told[]) => {
    const memory = {
      images: images.map(({ unfinished, ...told }) => ({
        ...(unfinished ? {} : { digest }),
        outputs: [],
        roots: [],
        blobs,
        ...told,
      })),
    };
    return arrangeKnowledge([{ memory, evidence: evidenceIn(store) }], mediaTypes.layer.zstd);
  };
  return { folder, store, asked, digest, glibc, python, known };
}

const other = `sha256:${'1'.repeat(64)}`;

describe('a blob is believed', () => {
  test('where its image has it, which is asked once and read no further', async () => {
    const { store, asked, digest, glibc, python, known } = await repository();
    const presence = presenceIn(store, known({}));
    assert.deepEqual(await Promise.all([glibc, python, glibc].map(presence)), [
      'present',
      'present',
      'present',
    ]);
    assert.deepEqual(asked, [digest]);
  });

  test('not where size, media type or diffID are others there', async () => {
    const { store, asked, digest, glibc, known } = await repository();
    const lies: Partial<KnownBlob>[] = [
      { size: glibc.size + 7 },
      { diffId: other },
      { mediaType: mediaTypes.layer.gzip },
    ];
    for (const lie of lies) {
      const blob = { ...glibc, ...lie };
      const knowledge = known({ blobs: [blob] });
      assert.equal(await presenceIn(store, knowledge)(blob), undefined);
      assert.equal(await knowledge.isTrue(blob), false);
    }
    assert.ok(
      asked.every(name => name === digest),
      'its bytes need not be looked at',
    );
  });

  test('not where it is there and no layer of the image', async () => {
    const { store, known } = await repository();
    const evil = await store.putBlob(layerOf([storePath('evil')]));
    const blob = { ...evil, key: '', mediaType: mediaTypes.layer.zstd, paths: [] };
    assert.equal(await presenceIn(store, known({ blobs: [blob] }))(blob), undefined);
  });

  test('once it was read, where no image of it is left', async () => {
    const { store, asked, glibc, python, known } = await repository();
    const lost: Told[] = [{ digest: other }, { unfinished: true }];
    for (const image of lost) {
      asked.splice(0);
      const knowledge = known(image);
      assert.equal(await presenceIn(store, knowledge)(glibc), 'present');
      assert.equal(await knowledge.isTrue(glibc), true);
      assert.equal(asked.filter(name => name === glibc.digest).length, 1);
      const lies: Partial<KnownBlob>[] = [
        { diffId: other },
        { uncompressedSize: glibc.uncompressedSize - 1 },
        { uncompressedSize: glibc.uncompressedSize + 1 },
        { paths: [storePath('glibc'), storePath('more')] },
        { paths: python.paths },
      ];
      for (const lie of lies) {
        const blob = { ...glibc, ...lie, key: JSON.stringify(lie) };
        assert.equal(await known({ ...image, blobs: [blob] }).isTrue(blob), false, blob.key);
      }
    }
  });

  test('not where nobody remembers it', async () => {
    const { glibc, known } = await repository();
    assert.equal(await known().isTrue(glibc), false);
  });
});

test('what a store gives of an image it cannot give is no reason to fail', async () => {
  const { folder, store, digest, glibc, known } = await repository();
  const manifest = join(folder, 'blobs/sha256', digest.slice(7));
  writeFileSync(manifest, readFileSync(manifest).subarray(1));
  assert.equal(await evidenceIn(store).image(digest), undefined);
  writeFileSync(join(folder, 'blobs/sha256', glibc.digest.slice(7)), 'damaged');
  assert.equal(await known({ blobs: [glibc] }).isTrue(glibc), false);
});

test('an image as a whole is known by its own layers alone', async () => {
  const { digest, glibc, python, known } = await repository();
  const target = { outPath: storePath('image'), variant: '[]' };
  const found = await known({ target }).imageOf(target.outPath, '[]');
  assert.equal(found?.image.stored.digest, digest);
  assert.deepEqual(found?.blobs, [glibc, python]);
  assert.equal(await known({ target }).imageOf(target.outPath, '["other"]'), undefined);
  const swapped = known({ target, blobs: [glibc] });
  assert.equal(await swapped.imageOf(target.outPath, '[]'), undefined, 'it is another image');
});

test('the last layer is read with its members', async () => {
  const { store, digest } = await repository();
  const evidence = evidenceIn(store);
  const members = await evidence.lastLayer(digest);
  assert.deepEqual(
    members?.map(({ path }) => path),
    ['nix', 'nix/store', storePath('python').slice(1), storePath('torch').slice(1)],
  );
  assert.equal(await evidence.lastLayer(other), undefined);
});

describe('what a layer holds is looked at, member by member', () => {
  const folder = (path: string): TarEntry => ({ type: 'directory', path, mode: 0o755, size: 0 });
  const file = (path: string): TarEntry => ({ type: 'file', path, mode: 0o644, size: 0 });
  const paths = ['a', 'b'].map(storePath);
  const [a = '', b = ''] = paths.map(path => path.slice(1));
  const parents = [folder('nix'), folder('nix/store')];

  /** Whether a layer of these members is one of these store paths. */
  async function holds(entries: TarEntry[], told: readonly string[] = paths): Promise<boolean> {
    const store = layoutStore(join(root, String(count++)), quietHost());
    const result = await store.putBlob(entriesBlobSource(() => entries, packing));
    const blob = { ...result, key: '', mediaType: mediaTypes.layer.zstd, paths: told };
    return evidenceIn(store).isContent(blob);
  }

  test('just the store paths and their parents', async () => {
    assert.equal(await holds([...parents, folder(a), file(`${a}/x`), file(b)]), true);
    assert.equal(await holds([file(a), file(b)]), true, 'without parents');
    assert.equal(await holds([...parents], []), true, 'of a layer of other things nothing is said');
    for (const [what, entries] of Object.entries({
      'a path less': [folder(a)],
      'a path more': [folder(a), file(b), file(storePath('c').slice(1))],
      'a file beside the store': [folder(a), file(b), file('etc/passwd')],
      'a file among the parents': [folder(a), file(b), file('nix/x')],
      'a file in place of a parent': [file('nix'), folder(a), file(b)],
      'a name that begins as another': [folder(a), file(`${b}x`)],
    })) {
      assert.equal(await holds([...parents, ...entries]), false, what);
    }
  });

  test('a last layer that is too large, packed or unpacked, is none', async () => {
    const store = layoutStore(join(root, String(count++)), quietHost());
    const digest = await pushImage(store, [layerOf(paths)], ['x']);
    const manifest = await store.getManifest(digest);
    const [layer] = JSON.parse(manifest?.bytes.toString() ?? '').layers;
    const membersWith = async (size: number) => {
      const bytes = Buffer.from(
        manifest?.bytes.toString().replace(`"size":${layer.size}}]`, `"size":${size}}]`) ?? '',
      );
      const { digest } = await store.putManifest(bytes, mediaTypes.manifest);
      return evidenceIn(store).lastLayer(digest);
    };
    assert.equal((await membersWith(limits.rootLayer))?.length, 4);
    assert.deepEqual(await membersWith(limits.rootLayer + 1), []);
  });

  test('a fault that is none of the store is not taken for an answer', async () => {
    const fault = new TypeError('a defect');
    const store = { getManifest: () => Promise.reject(fault) } as unknown as ImageStore;
    await assert.rejects(evidenceIn(store).image(other), fault);
    const failing = { getManifest: () => Promise.reject(new Failure('gone')) };
    assert.equal(await evidenceIn(failing as unknown as ImageStore).image(other), undefined);
  });
});
