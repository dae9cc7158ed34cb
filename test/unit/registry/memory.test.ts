import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blobKey, rootKey } from '../../../src/image/keys.ts';
import { hasItsKey } from '../../../src/registry/memory/checks.ts';
import {
  isRemembered,
  knownBlobs,
  mapBlobs,
  mergeMemories,
} from '../../../src/registry/memory/merge.ts';
import { parseMemory } from '../../../src/registry/memory/parse.ts';
import { closureOfRow, rowsOfStore, sizedClosureOfRow } from '../../../src/registry/memory/rows.ts';
import { serializeMemory } from '../../../src/registry/memory/serialize.ts';
import type { KnownBlob, Memory, RememberedImage } from '../../../src/registry/remembered.ts';
import { comparable, rememberedOutput } from '../../tools/remembered.ts';

const storeDir = '/nix/store';
const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';

const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map(hex => `sha256:${hex}`);
const storePath = fc
  .tuple(fc.stringMatching(/^[0-9a-df-np-sv-z]{32}$/), fc.stringMatching(/^[a-z0-9.+-]{1,12}$/))
  .map(([hash, name]) => `${storeDir}/${hash}-${name}`);
const knownBlob: fc.Arbitrary<KnownBlob> = fc
  .record(
    {
      key: fc.stringMatching(/^[0-9a-f]{64}$/),
      digest,
      diffId: digest,
      size: fc.nat(),
      uncompressedSize: fc.nat(),
      mediaType: fc.constant(zstd),
      paths: fc.uniqueArray(storePath, { maxLength: 4 }),
      run: fc.webUrl(),
    },
    {
      requiredKeys: ['key', 'digest', 'diffId', 'size', 'uncompressedSize', 'mediaType', 'paths'],
      noNullPrototype: true,
    },
  )
  .map(blob =>
    blob.paths.length === 0
      ? { ...blob, kind: 'streamed' }
      : { ...blob, kind: 'store', key: blobKey(blob.paths) },
  );
const plain = { noNullPrototype: true };

/** Images that share blobs, outputs and roots, as the images of one repository do. */
const memory: fc.Arbitrary<Memory> = fc
  .uniqueArray(knownBlob, { maxLength: 5, selector: blob => blob.digest })
  .chain(blobs => {
    const output = fc
      .record(
        {
          outPath: storePath,
          closure: fc.uniqueArray(storePath, { maxLength: 4 }),
          blobs: fc.subarray(blobs),
        },
        plain,
      )
      .map(({ outPath, closure, blobs: carriers }) =>
        rememberedOutput(
          outPath,
          [...new Set([...closure, ...carriers.flatMap(({ paths }) => paths)])],
          carriers,
        ),
      );
    const root = fc.record(
      { outPath: storePath, tree: fc.constant({ etc: { hosts: 0 }, bin: 1 }) },
      plain,
    );
    return fc
      .tuple(
        fc.uniqueArray(output, { maxLength: 4, selector: each => each.outPath }),
        fc.uniqueArray(root, { maxLength: 3, selector: each => each.outPath }),
      )
      .chain(([outputs, roots]) => {
        const image = fc.record(
          {
            digest,
            config: fc.record({ digest, size: fc.nat() }, plain),
            target: fc.record({ outPath: storePath, variant: fc.string() }, plain),
            blobs: fc.subarray(blobs),
            outputs: fc.subarray(outputs),
            roots: fc.subarray(roots),
          },
          plain,
        );
        return fc.record({ images: fc.array(image, { maxLength: 4 }) }, plain);
      });
  });

function blob(letter: string, paths: string[] = []): KnownBlob {
  return {
    key: letter.repeat(64),
    digest: `sha256:${letter.repeat(64)}`,
    diffId: `sha256:${letter.repeat(64)}`,
    size: 1,
    uncompressedSize: 2,
    mediaType: zstd,
    paths,
  };
}

function imageOf(letter: string, ...blobs: KnownBlob[]): RememberedImage {
  return { digest: `sha256:${letter.repeat(64)}`, outputs: [], blobs, roots: [] };
}

test('a memory is the same after it was written and read', () => {
  fc.assert(
    fc.property(memory, written => {
      const document = serializeMemory(written);
      const parsed = parseMemory(document, storeDir);
      assert.ok(parsed.kind === 'memory');
      assert.equal(parsed.leftOut, 0);
      assert.deepEqual(comparable(parsed.memory.images), comparable(written.images));
      assert.deepEqual(serializeMemory(parsed.memory), document);
    }),
    { numRuns: 60 },
  );
});

test('what two images share is written once', () => {
  const paths = [`${storeDir}/${'a'.repeat(32)}-glibc`];
  const shared = blob('1', paths);
  const text = serializeMemory({
    images: [imageOf('a', shared, blob('2', paths)), imageOf('b', shared)],
  }).toString();
  assert.equal(text.split('-glibc').length - 1, 1);
  assert.equal(text.split(shared.key).length - 1, 3, 'key, digest and diffID of one row');
});

test('a damaged document says why, and throws nothing', () => {
  const good = serializeMemory({ images: [imageOf('a', blob('1'))] }).toString();
  for (const text of [
    ...['', '{', 'null', '[]', '{"format":1}', '{"format":2}'],
    good.replace('"roots":[]', '"roots":{}'),
  ]) {
    const parsed = parseMemory(Buffer.from(text), storeDir);
    assert.equal(parsed.kind, 'damaged', text);
    assert.ok(parsed.kind === 'damaged' && parsed.reason.length > 0);
    if (text.length < 2) assert.equal(parsed.reason, 'it is no JSON object');
  }
});

test('names that lead out of the store are refused', () => {
  const path = `${storeDir}/${'a'.repeat(32)}-glibc`;
  const text = serializeMemory({ images: [imageOf('a', blob('1', [path]))] }).toString();
  const changed = text.replace(`${'a'.repeat(32)}-glibc`, '../../etc/shadow');
  const parsed = parseMemory(Buffer.from(changed), storeDir);
  assert.ok(parsed.kind === 'memory');
  assert.deepEqual(parsed.memory.images[0]?.blobs, [], 'what it held is not known');
});

test('a newer format is told apart from damage', () => {
  assert.deepEqual(parseMemory(Buffer.from('{"format":3,"anything":true}'), storeDir), {
    kind: 'newer',
    format: 3,
  });
});

test('merging keeps the newest twenty images, each once', () => {
  const letters = [...'0123456789abcdef'];
  const older = { images: letters.map(letter => imageOf(letter, blob(letter))) };
  const newest = [...'ghijkl'].map(letter => imageOf(letter, blob(letter)));
  const newer = { images: [imageOf('3', blob('9')), ...newest] };
  const merged = mergeMemories(newer, older);
  assert.equal(merged.images.length, 20);
  assert.deepEqual(merged.images.slice(0, 7), newer.images);
  assert.equal(merged.images.filter(each => each.digest?.startsWith('sha256:33')).length, 1);
});

test('merging keeps the newest five of what made no image, and they crowd out nothing', () => {
  const unfinished = (letter: string): RememberedImage => {
    const { digest: _, ...image } = imageOf(letter, blob(letter));
    return image;
  };
  const failed = [...'0123456789'].map(unfinished);
  const whole = [...'abcdefghijklmnop'].map(letter => imageOf(letter, blob(letter)));
  const merged = (newer: RememberedImage[], older: RememberedImage[]) =>
    mergeMemories({ images: newer }, { images: older }).images;
  assert.deepEqual(merged(failed.slice(0, 5), []), failed.slice(0, 5));
  assert.deepEqual(merged(failed.slice(0, 6), []), failed.slice(0, 5));
  assert.deepEqual(merged(failed.slice(0, 1), failed.slice(4)), [failed[0], ...failed.slice(4, 8)]);
  assert.deepEqual(merged(failed, whole), [...failed.slice(0, 5), ...whole.slice(0, 15)]);
  const same = { ...unfinished('0'), outputs: [] };
  assert.deepEqual(merged([same], failed.slice(0, 2)), [same, failed[1]], 'by its blobs');
});

test('an image that is learnt again keeps what was known of it', () => {
  const before = { ...imageOf('a', blob('1')), commit: 'c1', tested: 'yes', more: { signed: 1 } };
  const again = { ...imageOf('a', blob('1')), commit: 'c2', event: 'push' };
  const { images } = mergeMemories({ images: [again] }, { images: [before], more: { x: 1 } });
  const [image] = images;
  assert.deepEqual(
    [image?.commit, image?.event, image?.tested, image?.more],
    ['c2', 'push', 'yes', { signed: 1 }],
  );
  assert.equal(isRemembered(imageOf('a', blob('1')), { images: [before] }), true);
  assert.equal(
    isRemembered({ ...again, commit: 'c2' }, { images: [{ ...before, event: '' }] }),
    true,
  );
  assert.equal(isRemembered(again, { images: [before] }), false, 'the event was not known');
  assert.equal(isRemembered(imageOf('a', blob('2')), { images: [before] }), false);
  assert.equal(isRemembered(imageOf('b', blob('1')), { images: [before] }), false);
});

test('what an image was made from is what one run says, not what two say together', () => {
  const one = {
    ...imageOf('a', blob('1')),
    commit: 'c1',
    tree: 't1',
    attribute: 'x',
    tested: 'no',
  };
  const other = { ...imageOf('a', blob('1')), attribute: 'y', system: 's' };
  const [image] = mergeMemories({ images: [other] }, { images: [{ ...one, system: 's' }] }).images;
  assert.deepEqual(
    [image?.commit, image?.tree, image?.attribute, image?.tested],
    [undefined, undefined, 'y', 'no'],
  );
  const unknown = imageOf('a', blob('1'));
  const kept = mergeMemories({ images: [unknown] }, { images: [{ ...one, system: 's' }] });
  assert.deepEqual([kept.images[0]?.tree, kept.images[0]?.attribute], ['t1', 'x']);
});

test('an image whose config is not known yet is learnt again', () => {
  const before = imageOf('a', blob('1'));
  const learnt = { ...before, config: { digest: before.digest ?? '', size: 7 } };
  assert.equal(isRemembered(learnt, { images: [before] }), false);
  assert.equal(isRemembered(learnt, { images: [learnt] }), true);
  assert.equal(isRemembered(before, { images: [learnt] }), true);
});

test('what a newer program has written is kept by one that does not know it', () => {
  const path = `${storeDir}/${'a'.repeat(32)}-glibc`;
  const held = { ...blob('1', [path]), key: blobKey([path]) };
  const image = { ...imageOf('a', held), outputs: [rememberedOutput(path, [], [held])] };
  const roots = [{ outPath: path, tree: {} }];
  const record = { mediaType: 'x/y', digest: held.digest, diffId: held.digest, size: 1 };
  const document = JSON.parse(
    serializeMemory({ images: [{ ...image, roots }], records: [record] }).toString(),
  );
  for (const name of ['paths', 'blobs', 'outputs', 'roots', 'images', 'records']) {
    document[name][0].novel = { in: name };
  }
  const text = JSON.stringify({ ...document, novel: ['table'] });
  const parsed = parseMemory(Buffer.from(text), storeDir);
  assert.ok(parsed.kind === 'memory' && parsed.leftOut === 0);
  assert.deepEqual(JSON.parse(serializeMemory(parsed.memory).toString()), JSON.parse(text));
  const learnt = { ...imageOf('b', held), outputs: image.outputs };
  const merged = serializeMemory(mergeMemories({ images: [learnt] }, parsed.memory));
  for (const name of ['paths', 'blobs', 'outputs', 'roots', 'images', 'records']) {
    assert.ok(merged.includes(`"novel":{"in":"${name}"}`), name);
  }
});

test('two builds of one path that refer to different ones are two rows', () => {
  const [lib, one, two] = ['lib', 'one', 'two'].map(
    name => `${storeDir}/${'a'.repeat(32)}-${name}`,
  ) as [string, string, string];
  const held = { ...blob('1', [lib]), key: blobKey([lib]) };
  const built = (reference: string, letter: string) => ({
    ...imageOf(letter, held),
    outputs: [rememberedOutput(lib, [reference], [held])],
  });
  const document = serializeMemory({ images: [built(one, 'a'), built(two, 'b')] });
  const parsed = parseMemory(document, storeDir);
  assert.ok(parsed.kind === 'memory' && parsed.leftOut === 0);
  assert.deepEqual(
    parsed.memory.images.map(({ outputs }) => outputs.map(({ row }) => closureOfRow(row))),
    [[[lib, one]], [[lib, two]]],
  );
});

test('blobs are listed once, newest first', () => {
  const memory = {
    images: [imageOf('a', blob('2'), blob('1')), imageOf('b', blob('1'), blob('3'))],
  };
  assert.deepEqual(
    knownBlobs(memory).map(each => each.key[0]),
    ['2', '1', '3'],
  );
});

test('an output that loses one of its blobs is known without blobs', () => {
  const [one, two] = [blob('1'), blob('2')];
  const output = rememberedOutput(`${storeDir}/x`, ['c'], [one, two]);
  const mapped = mapBlobs({ ...imageOf('a', one, two), outputs: [output] }, each =>
    each.digest === two.digest ? undefined : each,
  );
  assert.deepEqual(mapped.blobs, [one]);
  assert.deepEqual(mapped.outputs, [{ ...output, blobs: [] }]);
});

const named = (name: string) => `${storeDir}/${'0'.repeat(32)}-${name}`;

test('sizes of store paths come back, as far as they are known', () => {
  const rowOf = rowsOfStore(
    path => (path === named('torch') ? [named('cuda')] : []),
    path => (path === named('torch') ? 900 : undefined),
  );
  const row = rowOf(named('torch')) ?? assert.fail();
  const outputs = [{ outPath: named('torch'), row, blobs: [] }];
  const written = serializeMemory({ images: [{ outputs, blobs: [], roots: [] }] });
  const parsed = parseMemory(written, storeDir);
  assert.ok(parsed.kind === 'memory');
  const [output] = parsed.memory.images[0]?.outputs ?? [];
  assert.deepEqual(output && sizedClosureOfRow(output.row), [
    { path: named('torch'), narSize: 900 },
    { path: named('cuda'), narSize: undefined },
  ]);
  assert.deepEqual(serializeMemory(parsed.memory), written);
  for (const size of [-1, 0.5, '900', 2 ** 50, null]) {
    const changed = JSON.parse(written.toString());
    changed.paths[1].size = size;
    const wrong = parseMemory(Buffer.from(JSON.stringify(changed)), storeDir);
    assert.ok(wrong.kind === 'memory');
    assert.equal(wrong.memory.images[0]?.outputs.length, 0, String(size));
  }
});

test('the folders of a root layer come back, and its key is that of these', () => {
  const made = {
    roots: [named('base')],
    directories: [],
    folders: [{ at: '/opt/x', from: [{ outPath: named('torch'), below: 'lib' }] }],
  };
  const sizes = { size: 1, uncompressedSize: 1, mediaType: zstd, paths: [] };
  const digest = `sha256:${'a'.repeat(64)}`;
  const blob = { ...sizes, kind: 'root', key: rootKey(made), digest, diffId: digest, ...made };
  const written = serializeMemory({ images: [{ outputs: [], blobs: [blob], roots: [] }] });
  const blobOf = (document: unknown) => {
    const parsed = parseMemory(Buffer.from(JSON.stringify(document)), storeDir);
    return parsed.kind === 'memory' ? parsed.memory.images[0]?.blobs[0] : assert.fail(parsed.kind);
  };
  const document = JSON.parse(written.toString());
  const known = blobOf(document) ?? assert.fail();
  assert.deepEqual([known.folders, known.roots], [made.folders, made.roots]);
  assert.ok(hasItsKey(known));
  const [row] = document.blobs;
  const lies: [unknown, boolean][] = [
    [undefined, true],
    [[], true],
    [[{ at: '/opt/y', from: row.folders[0].from }], true],
    [[{ at: '/opt/x', from: ['torch/lib'] }], true],
    [[{ at: '/opt/x', from: [0] }], false],
    ['/opt/x', false],
  ];
  for (const [folders, hasShape] of lies) {
    const lie = blobOf({ ...document, blobs: [{ ...row, folders }] });
    assert.equal(lie !== undefined, hasShape, JSON.stringify(folders));
    assert.ok(!(lie && hasItsKey(lie)), JSON.stringify(folders));
  }
});
