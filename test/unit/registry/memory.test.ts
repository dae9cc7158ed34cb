import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blobKey } from '../../../src/image/keys.ts';
import { knownBlobs, mapBlobs, mergeMemories } from '../../../src/registry/memory.ts';
import { parseMemory, serializeMemory } from '../../../src/registry/memory-format.ts';
import type { KnownBlob, Memory, RememberedImage } from '../../../src/registry/remembered.ts';

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
  .map(blob => (blob.paths.length === 0 ? blob : { ...blob, key: blobKey(blob.paths) }));
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
      .map(({ outPath, closure, blobs: carriers }) => ({
        outPath,
        closure: [outPath, ...closure, ...carriers.flatMap(({ paths }) => paths)],
        blobs: carriers,
      }));
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
      const parsed = parseMemory(serializeMemory(written), storeDir);
      assert.deepEqual(parsed, { kind: 'memory', memory: written, leftOut: 0 });
    }),
    { numRuns: 60 },
  );
});

test('what two images share is written once', () => {
  const paths = [`${storeDir}/${'a'.repeat(32)}-glibc`];
  const shared = blob('1', paths);
  const text = serializeMemory({
    images: [imageOf('a', shared, blob('2', paths)), imageOf('b', shared)],
  });
  assert.equal(text.split('-glibc').length - 1, 1);
  assert.equal(text.split(shared.key).length - 1, 3, 'key, digest and diffID of one row');
});

test('a damaged document says why, and throws nothing', () => {
  const good = serializeMemory({ images: [imageOf('a', blob('1'))] });
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"format":1}',
    good.replace('"blobs":[0]', '"blobs":[7]'),
  ]) {
    const parsed = parseMemory(text, storeDir);
    assert.equal(parsed.kind, 'damaged', text);
    assert.ok(parsed.kind === 'damaged' && parsed.reason.length > 0);
    if (text.length < 2) assert.equal(parsed.reason, 'it is no JSON');
  }
});

test('names that lead out of the store are refused', () => {
  const path = `${storeDir}/${'a'.repeat(32)}-glibc`;
  const text = serializeMemory({ images: [imageOf('a', blob('1', [path]))] });
  const parsed = parseMemory(text.replace(`${'a'.repeat(32)}-glibc`, '../../etc/shadow'), storeDir);
  assert.equal(parsed.kind, 'damaged');
});

test('a newer format is told apart from damage', () => {
  assert.deepEqual(parseMemory('{"format":2,"anything":true}', storeDir), {
    kind: 'newer',
    format: 2,
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
  const output = { outPath: `${storeDir}/x`, closure: ['c'], blobs: [one, two] };
  const mapped = mapBlobs({ ...imageOf('a', one, two), outputs: [output] }, each =>
    each.digest === two.digest ? undefined : each,
  );
  assert.deepEqual(mapped.blobs, [one]);
  assert.deepEqual(mapped.outputs, [{ ...output, blobs: [] }]);
});
