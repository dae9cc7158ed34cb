import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blobKey, rootKey } from '../../../src/image/keys.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { Evidence, StatedImage } from '../../../src/registry/evidence.ts';
import type { KnownBlob, RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge, presenceIn } from '../../../src/registry/reuse.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { rememberedOutput } from '../../tools/remembered.ts';

const zstd = mediaTypes.layer.zstd;

/** A blob by a letter for its key, and what differs. */
function blob(letter: string, changes: Partial<KnownBlob> = {}): KnownBlob {
  const digest = `sha256:${letter}`;
  const sizes = { size: 1, uncompressedSize: 2 };
  return {
    key: letter,
    digest,
    diffId: `${digest}-unpacked`,
    ...sizes,
    mediaType: zstd,
    paths: [],
    ...changes,
  };
}

const imageOf = (changes: Partial<RememberedImage>): RememberedImage => ({
  outputs: [],
  blobs: [],
  roots: [],
  ...changes,
});

/** Someone who can tell of these images, states these blobs and has read those. */
function evidence(
  told: {
    images?: readonly string[];
    states?: readonly KnownBlob[];
    content?: readonly KnownBlob[];
  } = {},
): Evidence & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    image: async digest =>
      told.images?.includes(digest)
        ? ({ layers: told.states ?? [] } as unknown as StatedImage)
        : undefined,
    isStated: async (each, digest) => {
      asked.push(`${each.key} in ${digest}`);
      return told.images?.includes(digest) === true && told.states?.includes(each) === true;
    },
    isContent: async each => {
      asked.push(`${each.key} itself`);
      return told.content?.includes(each) ?? false;
    },
    lastLayer: async () => undefined,
  };
}

const arrange = (
  images: readonly RememberedImage[],
  by: Evidence = evidence(),
  mediaType: string = zstd,
) => arrangeKnowledge([{ memory: { images }, evidence: by }], mediaType);

describe('what memories know', () => {
  const output = (closure: string[], ...blobs: KnownBlob[]) =>
    rememberedOutput('/s/out', closure, blobs);

  test('the newest of an output, and all that carried it, newest first', () => {
    const [one, two] = [blob('1'), blob('2')];
    const older = imageOf({ outputs: [output(['/old'], two)], blobs: [two] });
    const newer = imageOf({ outputs: [output(['/new'], one)], blobs: [one] });
    const knowledge = arrange([newer, older]);
    assert.deepEqual(knowledge.closureOf('/s/out'), ['/s/out', '/new']);
    assert.deepEqual(knowledge.carriersOf('/s/out'), [[one], [two]]);
    assert.equal(knowledge.closureOf('/s/other'), undefined);
    assert.deepEqual(knowledge.carriersOf('/s/other'), []);
    assert.equal(knowledge.images.length, 2);
  });

  test('blobs of other media types carry nothing, and closures all the same', () => {
    const [one, gzip] = [blob('1'), blob('2', { mediaType: mediaTypes.layer.gzip })];
    const image = imageOf({ outputs: [output(['/c'], one, gzip)], blobs: [one, gzip] });
    const knowledge = arrange([image, imageOf({ outputs: [output(['/d'])] })]);
    assert.deepEqual(knowledge.carriersOf('/s/out'), []);
    assert.deepEqual(knowledge.closureOf('/s/out'), ['/s/out', '/c']);
    assert.equal(knowledge.blobWithKey('1'), one);
    assert.equal(knowledge.blobWithKey('2'), undefined);
    assert.equal(knowledge.blobWithDiffId(gzip.diffId), undefined);
    const inGzip = arrange([image], evidence(), mediaTypes.layer.gzip);
    assert.equal(inGzip.blobWithKey('2'), gzip);
  });

  test('of two blobs with one key, or one content, the newest', () => {
    const [first, second] = [blob('1'), blob('1', { digest: 'sha256:2' })];
    const knowledge = arrange([imageOf({ blobs: [first] }), imageOf({ blobs: [second] })]);
    assert.equal(knowledge.blobWithKey('1'), first);
    assert.equal(knowledge.blobWithDiffId(first.diffId), first);
  });

  test('no blob whose key is not made of what is said of it', async () => {
    const [path, other, root] = ['/s/path', '/s/other', '/s/root'];
    const directories = [{ path: '/tmp', mode: '1777', uid: 0, gid: 0 }];
    const layer = { kind: 'store', key: blobKey([path]), paths: [path] };
    const links = {
      kind: 'root',
      key: rootKey({ roots: [root], directories }),
      roots: [root],
      directories,
    };
    const lies: [lie: Partial<KnownBlob>, right: Partial<KnownBlob>][] = [
      [{ ...layer, paths: [path, other] }, layer],
      [{ ...layer, paths: [] }, layer],
      [
        { ...layer, key: blobKey([other]) },
        { ...layer, key: blobKey([other]), paths: [other] },
      ],
      [{ ...links, roots: [other] }, links],
      [{ ...links, directories: [] }, links],
    ];
    const digest = 'sha256:i';
    for (const [at, [lie, right]] of lies.entries()) {
      const [bad, good] = [blob('1', lie), blob('2', right)];
      const by = evidence({ images: [digest], states: [bad, good] });
      const knowledge = arrange([imageOf({ digest, blobs: [bad] })], by);
      assert.equal(knowledge.blobWithKey(bad.key), undefined, `lie ${at}`);
      assert.equal(await knowledge.isTrue(bad), false, `lie ${at}`);
      const both = arrange([imageOf({ digest, blobs: [bad, good] })], by);
      assert.equal(both.blobWithKey(bad.key), good, `lie ${at}`);
      assert.equal(await both.isTrue(good), true, `lie ${at}`);
    }
  });

  test('a whole image by its output and what else decides its bytes', async () => {
    const [one, two] = [blob('1'), blob('2')];
    const target = { outPath: '/s/image', variant: 'v' };
    const digest = 'sha256:i';
    const by = evidence({ images: [digest], states: [two, one] });
    const found = await arrange([imageOf({ target, digest, blobs: [one, two] })], by).imageOf(
      '/s/image',
      'v',
    );
    assert.deepEqual(found?.blobs, [two, one], 'in the order of its layers');
    const no = async (image: Partial<RememberedImage>, variant = 'v') =>
      arrange([imageOf({ target, digest, blobs: [one, two], ...image })], by).imageOf(
        '/s/image',
        variant,
      );
    assert.equal(await no({}, 'w'), undefined);
    assert.equal(await no({ blobs: [one] }), undefined, 'a layer that is not known');
    assert.equal(await no({ digest: 'sha256:gone' }), undefined);
    for (const lie of [{ diffId: 'x' }, { size: 9 }, { digest: 'x' }]) {
      assert.equal(await no({ blobs: [one, blob('2', lie)] }), undefined, Object.keys(lie)[0]);
    }
    const { digest: _, ...unfinished } = imageOf({ target, digest, blobs: [one, two] });
    assert.equal(await arrange([unfinished], by).imageOf('/s/image', 'v'), undefined);
    const newest = imageOf({ target, digest: 'sha256:gone', blobs: [] });
    const older = imageOf({ target, digest, blobs: [one, two] });
    assert.equal(
      await arrange([newest, older], by).imageOf('/s/image', 'v'),
      undefined,
      'the newest',
    );
    assert.ok(await arrange([unfinished, older], by).imageOf('/s/image', 'v'));
  });
});

describe('a blob is true', () => {
  const one = blob('1');

  test('where one of the images that have it states it', async () => {
    const by = evidence({ images: ['b'], states: [one] });
    const images = ['a', 'b'].map(digest => imageOf({ digest, blobs: [one] }));
    const others = [imageOf({ digest: 'c', blobs: [blob('2')] })];
    assert.equal(await arrange([...images, ...others], by).isTrue(one), true);
    assert.deepEqual(by.asked, ['1 in a', '1 in b']);
  });

  test('not where an image contradicts it, whatever its bytes are', async () => {
    const by = evidence({ images: ['a'], content: [one] });
    assert.equal(await arrange([imageOf({ digest: 'a', blobs: [one] })], by).isTrue(one), false);
    assert.deepEqual(by.asked, ['1 in a']);
  });

  test('where its own bytes are, and no image is left', async () => {
    const by = evidence({ content: [one] });
    assert.equal(await arrange([imageOf({ digest: 'a', blobs: [one] })], by).isTrue(one), true);
    assert.deepEqual(by.asked, ['1 in a', '1 itself']);
    const { digest: _, ...unfinished } = imageOf({ digest: 'a', blobs: [one] });
    assert.equal(await arrange([unfinished], by).isTrue(one), true);
    assert.equal(await arrange([unfinished]).isTrue(one), false);
    assert.equal(await arrange([]).isTrue(one), false);
  });
});

describe('how a blob can be had', () => {
  /** A store that has, or can mount, blobs of these digests. */
  function storeWith(has: readonly string[], mounts: readonly string[] = []) {
    const asked: string[] = [];
    const store = {
      hasBlob: async (digest: string, size?: number) => {
        asked.push(`${digest} of ${size}`);
        return has.includes(digest);
      },
      mountBlob: async (digest: string, from: string) => {
        asked.push(`mount ${digest} from ${from}`);
        return mounts.includes(digest);
      },
    } as unknown as ImageStore;
    return { store, asked };
  }

  test('it is there, was mounted, or is gone; each is asked for once', async () => {
    const from = 'o/base';
    const blobs = [
      blob('1'),
      blob('2', { from }),
      blob('3', { from }),
      blob('4', { from }),
      blob('5'),
    ];
    const { store, asked } = storeWith(['sha256:1', 'sha256:2'], ['sha256:3']);
    const presence = presenceIn(store, { isTrue: async () => true });
    const found = async () => Promise.all(blobs.map(presence));
    const expected = ['present', 'present', 'mounted', undefined, undefined];
    assert.deepEqual(await found(), expected);
    assert.deepEqual(await found(), expected);
    assert.deepEqual(asked.toSorted(), [
      'mount sha256:3 from o/base',
      'mount sha256:4 from o/base',
      ...[1, 2, 3, 4, 5].map(each => `sha256:${each} of 1`),
      'sha256:5 of undefined',
    ]);
  });

  test('what is not true is not had, and not even mounted', async () => {
    const { store, asked } = storeWith(['sha256:1'], ['sha256:2']);
    const proved: string[] = [];
    const isTrue = async ({ key }: KnownBlob) => {
      proved.push(key);
      return false;
    };
    const told: string[] = [];
    const presence = presenceIn(store, { isTrue }, message => told.push(message));
    assert.equal(await presence(blob('3')), undefined);
    assert.deepEqual(told, [], 'it is gone');
    assert.equal(await presence(blob('1')), undefined);
    assert.equal(await presence(blob('2', { from: 'o/base' })), undefined);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /of the blob sha256:1 is not so: its layer is made anew/);
    assert.deepEqual(proved, ['1', '2'], 'of what is gone nothing need be proved');
    assert.ok(asked.every(line => !line.startsWith('mount')));
  });

  test('two that say something else of one digest are two questions', async () => {
    const { store, asked } = storeWith(['sha256:1']);
    const isTrue = async ({ diffId }: KnownBlob) => diffId === 'right';
    const presence = presenceIn(store, { isTrue });
    assert.equal(await presence(blob('1', { diffId: 'wrong' })), undefined);
    assert.equal(await presence(blob('1', { diffId: 'right' })), 'present');
    assert.equal(asked.length, 2);
  });
});
