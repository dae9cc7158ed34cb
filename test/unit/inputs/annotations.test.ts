// What docker/metadata-action gives as `annotations` and `labels` can be handed over as it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recipeImage } from '../../../src/commands/build/publish.ts';
import type { MadeLayer } from '../../../src/commands/build/state.ts';
import { Failure } from '../../../src/host/failure.ts';
import { readManifest } from '../../../src/image/oci/documents.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { githubContext, type RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import type { Recipe } from '../../../src/nix/types.ts';

const terminal: RunContext = {
  face: 'command-line',
  currentDirectory: '/somewhere',
  temporaryDirectory: '/private',
};
const oci = 'org.opencontainers.image';
const read = (raw: RawInputs, context = terminal) =>
  parseBuild({ image: 'ghcr.io/o/n', ...raw }, context);

test('the level "manifest" may stand before a key, alone or with others', () => {
  const given = 'manifest:a=1\nmanifest,index:b=2\nc:d=3\nmanifest:manifest:e=4\nf=manifest:5';
  const { annotations, remarks } = read({ annotations: given });
  assert.deepEqual(annotations, { a: '1', b: '2', 'c:d': '3', 'manifest:e': '4', f: 'manifest:5' });
  assert.deepEqual(remarks, []);
});

test('what the manifest has as well is not missed at another level', () => {
  const { annotations, remarks } = read({ annotations: 'manifest:a=1\nindex:a=1' });
  assert.deepEqual(annotations, { a: '1' });
  assert.deepEqual(remarks, []);
});

test('what is of an index or a descriptor alone is left out, and named', () => {
  const levels = ['index', 'manifest-descriptor', 'index-descriptor', 'index,index-descriptor'];
  for (const level of levels) {
    const { annotations, remarks } = read({ annotations: `a=1\n${level}:a=2` });
    assert.deepEqual(annotations, { a: '1' });
    assert.equal(remarks.length, 1);
    assert.ok(remarks[0]?.includes(`${level}:a`), remarks[0]);
  }
});

for (const [given, said] of [
  ['a=1\nmanifest:a=2', '"a" is given twice'],
  ['manifest[linux/amd64]:a=1', 'Write manifest:a'],
  ['manifest,index[linux/arm64]:a=1', 'names a platform'],
] as const) {
  test(`the annotations ${JSON.stringify(given)} are refused`, () => {
    assert.throws(
      () => read({ annotations: given }),
      error =>
        error instanceof Failure &&
        error.exitCode === 2 &&
        `${error.message} ${error.details.next}`.includes(said),
    );
  });
}

/** What metadata-action gives for a commit. */
const labelsOf = (commit: string) =>
  [
    `${oci}.created=2026-11-26T01:0${commit}:00.000Z`,
    `${oci}.revision=${commit}`,
    `${oci}.version=main`,
    `${oci}.title=comfyui`,
  ].join('\n');

test('labels that are others with each commit become annotations, and it is said', () => {
  const { labels, annotations, remarks } = read({ labels: labelsOf('1') });
  assert.deepEqual(labels, { [`${oci}.version`]: 'main', [`${oci}.title`]: 'comfyui' });
  assert.deepEqual(annotations, {
    [`${oci}.created`]: '2026-11-26T01:01:00.000Z',
    [`${oci}.revision`]: '1',
  });
  assert.equal(remarks.length, 1);
  assert.match(remarks[0] ?? '', /image\.created and org.*image\.revision of the input labels/);
});

test('an annotation that is given wins over a label, and a label over the commit of the workflow', () => {
  const env = { GITHUB_EVENT_NAME: 'push', GITHUB_REPOSITORY: 'o/n', GITHUB_SHA: 'of-event' };
  const job = { ...terminal, github: githubContext(env, {}) };
  const revision = (raw: RawInputs) => read(raw, job).annotations[`${oci}.revision`];
  const labels = `${oci}.revision=of-label`;
  assert.equal(revision({}), 'of-event');
  assert.equal(revision({ labels }), 'of-label');
  assert.equal(revision({ labels, annotations: `${oci}.revision=given` }), 'given');
});

test('an archive for Docker, which has no annotations, keeps all labels', () => {
  const context = { ...terminal, takesImage: true };
  for (const image of ['docker-archive:x.tar', '-']) {
    const { labels, remarks } = read({ image, labels: labelsOf('1') }, context);
    assert.equal(labels[`${oci}.revision`], '1', image);
    assert.deepEqual(remarks, []);
  }
  assert.equal(
    read({ image: 'oci:x', labels: labelsOf('1') }).labels[`${oci}.revision`],
    undefined,
  );
});

test('two commits have the same config and layers, and manifests of their own', () => {
  const blob = {
    ...{ digest: `sha256:${'1'.repeat(64)}`, diffId: `sha256:${'2'.repeat(64)}`, size: 1 },
    ...{ mediaType: mediaTypes.layer.zstd, uncompressedSize: 2, key: 'k', paths: [] },
    transfer: 'present' as const,
  };
  const layers: MadeLayer[] = [{ name: 'a', target: null, origin: 'reused', blobs: [blob] }];
  const recipe = { config: {} } as Recipe;
  const imageAt = (commit: string) => {
    const { labels, annotations } = read({ labels: labelsOf(commit) });
    const made = { created: '1970-01-01T00:00:01Z', architecture: 'amd64' };
    const { manifest } = recipeImage(layers, { recipe, ...made, labels, annotations });
    return { digest: manifest.digest, ...readManifest(manifest.bytes, 'x') };
  };
  const [one, other] = [imageAt('1'), imageAt('2')];
  assert.deepEqual(one.config, other.config);
  assert.deepEqual(one.layers, other.layers);
  assert.notEqual(one.digest, other.digest);
});
