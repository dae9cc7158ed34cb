import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLocalImage, readDestination } from '../../../src/inputs/destination.ts';

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

test('a tag that cannot be held comes with one that can', () => {
  assert.throws(
    () => readDestination('ghcr.io/o/a', '2.9.0+cu130'),
    (error: { details?: { next?: string } }) => error.details?.next === 'Use 2.9.0-cu130.',
  );
});
