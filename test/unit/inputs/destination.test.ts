import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Destination,
  isLocalImage,
  joinDestination,
  readCopyDestination,
  tagWithoutRecipe,
} from '../../../src/inputs/destination.ts';
import {
  readCacheReferences,
  readImage,
  readRegistries,
  readTags,
} from '../../../src/inputs/references.ts';
import { readList } from '../../../src/inputs/values.ts';

/** The two inputs as texts; an empty one is none. */
function readDestination(image: string, tags: string): Destination {
  const place = image === '' ? undefined : readImage('image', image);
  return joinDestination(place, readTags('tags', readList(tags)));
}

test('an image and bare tags', () => {
  assert.deepEqual(readDestination('ghcr.io/O/Comfyui', 'cu130,latest'), {
    image: 'ghcr.io/o/comfyui',
    tags: ['cu130', 'latest'],
  });
  assert.deepEqual(readDestination('', ''), { image: undefined, tags: [] });
});

test('places on this machine are kept as they are', () => {
  for (const image of ['-', 'oci:Some/Dir', 'docker-archive:/x/y.tar']) {
    assert.equal(readDestination(image, '').image, image);
    assert.ok(isLocalImage(image));
  }
  assert.ok(!isLocalImage('ghcr.io/o/x'));
  assert.ok(!isLocalImage(undefined));
});

test("full references, as docker/metadata-action gives them, say the image's repository", () => {
  const tags = 'ghcr.io/O/comfyui:main\nghcr.io/o/comfyui:sha-1234567';
  assert.deepEqual(readDestination('', tags), {
    image: 'ghcr.io/o/comfyui',
    tags: ['main', 'sha-1234567'],
  });
  assert.deepEqual(readDestination('127.0.0.1:5000/comfy', '127.0.0.1:5000/comfy:a,b,a').tags, [
    'a',
    'b',
  ]);
});

test('the memory of images without a recipe is called by their repository, whatever their tags', () => {
  for (const [repository, name] of [
    ['ghcr.io/o/comfyui', 'comfyui'],
    ['127.0.0.1:5000/comfyui', 'comfyui'],
    ['oci:/some/where/image', 'image'],
    ['oci:image', 'image'],
  ] as const) {
    assert.equal(tagWithoutRecipe(repository, 'arm64'), `cache-${name}-latest-arm64`);
  }
});

test('references to two repositories are an error that names both', () => {
  assert.throws(
    () => readDestination('', 'ghcr.io/o/a:1,ghcr.io/o/b:1'),
    /Input tags: "ghcr\.io\/o\/b:1" names another repository than "ghcr\.io\/o\/a:1"/,
  );
  assert.throws(
    () => readDestination('ghcr.io/o/a', 'ghcr.io/o/b:1'),
    /"ghcr\.io\/o\/b:1" names another repository than image "ghcr\.io\/o\/a"/,
  );
});

test('a registry of plain HTTP may be written as an address', () => {
  const image = 'http://registry:5000/o/n';
  assert.deepEqual(readDestination('http://Registry:5000/o/N', `${image}:a`), {
    image,
    tags: ['a'],
  });
  assert.deepEqual(readCopyDestination(`${image}:a`, []), { image, tags: ['a'] });
  assert.deepEqual(readCopyDestination(image, []), { image, tags: [] });
  assert.deepEqual(readCacheReferences('cache-from', [`${image}:a`]), [`${image}:a`]);
});

test('insecure-registries are hosts with their ports', () => {
  const read = (text: string) => readRegistries('insecure-registries', readList(text));
  assert.deepEqual(read('Registry:5000, 10.0.0.1\n[fd00::1]:5000'), [
    'registry:5000',
    '10.0.0.1',
    '[fd00::1]:5000',
  ]);
  for (const wrong of [
    'http://registry:5000',
    'registry:5000/o/n',
    'registry:',
    'registry:99999',
    'a!b',
  ]) {
    assert.throws(() => read(wrong), /Input insecure-registries: expected a host/);
  }
});

const bad: [image: string, tags: string, message: RegExp][] = [
  ['ghcr.io/o/a:tag', '', /Input image: expected a repository.*"ghcr\.io\/o\/a:tag"/],
  ['oci:', '', /Input image: "oci:" names no folder/],
  ['docker-archive:', '', /Input image: "docker-archive:" names no file/],
  ['https://ghcr.io/o/a', '', /Input image: expected a repository/],
  ['ghcr.io/o/a', '2.9.0+cu130', /Input tags: a registry cannot hold the tag "2\.9\.0\+cu130"/],
  ['ghcr.io/o/a', '-x', /Input tags: a registry cannot hold the tag "-x"/],
  ['ghcr.io/o/a', 'x'.repeat(129), /Input tags: a registry cannot hold/],
  ['', 'ghcr.io/o/a', /Input tags: expected a tag or a reference with a tag/],
  ['', `ghcr.io/o/a@sha256:${'0'.repeat(64)}`, /Input tags: expected a tag or a reference/],
];

for (const [image, tags, message] of bad) {
  test(`image ${JSON.stringify(image)} with tags ${JSON.stringify(tags.slice(0, 20))} is refused`, () => {
    assert.throws(() => readDestination(image, tags), { message, exitCode: 2 });
  });
}

const mended: [tags: string, next: string][] = [
  ['2.9.0+cu130', 'Use 2.9.0-cu130.'],
  ['.hidden', 'Use hidden.'],
  ['feature/x', 'Use feature-x.'],
  ['dependabot/npm/foo-1.2', 'Use dependabot-npm-foo-1.2.'],
  ['v1.2/x', 'Use v1.2-x.'],
  ['cu130 latest', 'Write cu130,latest.'],
  ['ghcr.io/o/a:1  ghcr.io/o/a:2', 'Write ghcr.io/o/a:1,ghcr.io/o/a:2.'],
  ['ghcr.io/o/a', 'Write ghcr.io/o/a:TAG.'],
  ['127.0.0.1:5000/a', 'Write 127.0.0.1:5000/a:TAG.'],
];

for (const [tags, next] of mended) {
  test(`tags ${JSON.stringify(tags)} are refused with what would do`, () => {
    assert.throws(
      () => readDestination('ghcr.io/o/a', tags),
      (error: { exitCode?: number; details?: { next?: string } }) =>
        error.exitCode === 2 && error.details?.next === next,
    );
  });
}

test('a destination may have a tag of its own, beside those of the input', () => {
  const read = (raw: string, tags = '') =>
    readCopyDestination(raw, readTags('tags', readList(tags)));
  assert.deepEqual(read('ghcr.io/O/a:1', '2'), { image: 'ghcr.io/o/a', tags: ['1', '2'] });
  assert.deepEqual(read('127.0.0.1:5000/a'), { image: '127.0.0.1:5000/a', tags: [] });
  assert.deepEqual(read('oci:Some/Dir:x', '2'), { image: 'oci:Some/Dir', tags: ['x', '2'] });
  assert.deepEqual(read('docker-archive:/a:b.tar'), { image: 'docker-archive:/a:b.tar', tags: [] });
  assert.throws(() => read('ghcr.io/o/a', 'ghcr.io/o/b:1'), /names another repository/);
  for (const wrong of ['ghcr.io/o/a:feature/x', 'oci:dir:a b', 'ghcr.io/o/a:a+b']) {
    assert.throws(() => read(wrong), /^Failure: Input destination: /, wrong);
  }
});
