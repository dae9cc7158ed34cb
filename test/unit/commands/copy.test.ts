import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { copy } from '../../../src/commands/copy.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { CopySettings } from '../../../src/inputs/settings.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { quietHost } from '../../tools/host.ts';
import {
  fillLayout,
  sha256,
  smallArchive,
  smallConfig,
  smallLayer,
  startLayout,
} from '../../tools/small-image.ts';
import { temporaryFolder } from '../image/fixtures.ts';

const settings = (source: string, image: string, more: Partial<CopySettings> = {}) =>
  ({
    source,
    destination: { image, tags: ['t'] },
    compression: 'zstd',
    credentials: {},
    fromFork: false,
    writeMemory: true,
    workingDirectory: '/',
    ...more,
  }) as CopySettings;

/** Copies, and gives the outputs and what was said. */
async function copied(source: string, image: string, more?: Partial<CopySettings>) {
  const said: string[] = [];
  const host = quietHost({
    emit: event => {
      if (event.type === 'notice' || event.type === 'warning') said.push(event.message);
    },
  });
  const { outputs } = await copy(settings(source, image, more), host);
  return { outputs, said };
}

const folders = (t: TestContext) => {
  const root = temporaryFolder(t);
  return { from: join(root, 'from'), to: join(root, 'to'), root };
};

describe('a copy of a layout', () => {
  test('keeps the manifest to the byte, annotations included', async t => {
    const { from, to } = folders(t);
    const layout = startLayout(from);
    const { manifest } = fillLayout(layout);
    const text = `${JSON.stringify({ ...manifest, annotations: { 'org.example.a': 'b' } }, null, 2)}\n`;
    const descriptor = layout.put(text, mediaTypes.manifest);
    layout.index([descriptor]);
    const { outputs } = await copied(`oci:${from}`, `oci:${to}`);
    assert.equal(outputs.digest, descriptor.digest);
    const found = await layoutStore(to, quietHost()).getManifest('t');
    assert.equal(found?.bytes.toString(), text);
  });

  test('turns schema 2 of Docker into an image of OCI', async t => {
    const { from, to } = folders(t);
    const layout = startLayout(from);
    const docker = (type: string) => `application/vnd.docker.${type}`;
    const manifest = {
      schemaVersion: 2,
      mediaType: docker('distribution.manifest.v2+json'),
      config: layout.put(JSON.stringify(smallConfig()), docker('container.image.v1+json')),
      layers: [layout.put(gzipSync(smallLayer), docker('image.rootfs.diff.tar.gzip'))],
    };
    layout.index([layout.put(JSON.stringify(manifest), manifest.mediaType)]);
    await copied(`oci:${from}`, `oci:${to}`);
    const found = await layoutStore(to, quietHost()).getManifest('t');
    assert.equal(found?.mediaType, mediaTypes.manifest);
    const { config, layers } = JSON.parse(String(found?.bytes));
    assert.equal(config.mediaType, mediaTypes.config);
    assert.deepEqual(
      layers.map((layer: { mediaType: string }) => layer.mediaType),
      [mediaTypes.layer.gzip],
    );
  });

  test('of one image and a memory needs no tag', async t => {
    const { from, to } = folders(t);
    fillLayout(startLayout(from));
    const store = layoutStore(from, quietHost());
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, artifactType: 'x/memory' }));
    const memory = { bytes, mediaType: mediaTypes.manifest, digest: sha256(bytes) };
    await store.putTag('cache-x', memory);
    assert.deepEqual(await store.getManifest('cache-x'), memory);
    const { manifests } = JSON.parse(readFileSync(join(from, 'index.json'), 'utf8'));
    assert.equal(manifests.length, 1, 'tools that count the manifests find one');
    await copied(`oci:${from}`, `oci:${to}`);
    // as earlier versions wrote it
    const listed = { ...memory, size: bytes.length, artifactType: 'x/memory' };
    startLayout(from).index([...manifests, { ...listed, bytes: undefined }]);
    await copied(`oci:${from}`, `oci:${to}`);
  });

  test('proves what it unpacks on the way', async t => {
    const { from, to } = folders(t);
    const layout = startLayout(from);
    const { manifest } = fillLayout(layout);
    const layers = [layout.put(gzipSync('other'), mediaTypes.layer.gzip)];
    layout.index([layout.put(JSON.stringify({ ...manifest, layers }), mediaTypes.manifest)]);
    for (const image of [`oci:${to}`, `docker-archive:${to}.tar`]) {
      await assert.rejects(copied(`oci:${from}`, image), /does not have the digest/, image);
    }
  });

  test('keeps layers that not everybody may pass on, and says so', async t => {
    const { from, to } = folders(t);
    const layout = startLayout(from);
    const { manifest } = fillLayout(layout);
    const type = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
    const layers = [layout.put(smallLayer, type)];
    const descriptor = layout.put(JSON.stringify({ ...manifest, layers }), mediaTypes.manifest);
    layout.index([descriptor]);
    const { outputs, said } = await copied(`oci:${from}`, `oci:${to}`);
    assert.equal(outputs.digest, descriptor.digest);
    assert.match(said.join(), /not everybody may pass on/);
  });
});

describe('the image of an index', () => {
  const platform = (architecture: string, variant?: string) => ({
    os: 'linux',
    architecture,
    ...(variant === undefined ? {} : { variant }),
  });

  /** A layout of an index with an image for each of the platforms, told apart by a label. */
  function indexOf(folder: string, platforms: readonly object[]) {
    const layout = startLayout(folder);
    const entries = platforms.map((each, at) => {
      const config = layout.put(JSON.stringify({ ...smallConfig(), at }), mediaTypes.config);
      const layers = [layout.put(smallLayer, mediaTypes.layer.none)];
      const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
      return { ...layout.put(JSON.stringify(manifest), mediaTypes.manifest), ...each };
    });
    layout.index([layout.put(JSON.stringify({ manifests: entries }), mediaTypes.index)]);
    return entries;
  }

  const cases: [string, object[], number][] = [
    [
      'is that for Linux',
      [{ platform: { os: 'windows', architecture: 'amd64' } }, { platform: platform('amd64') }],
      1,
    ],
    [
      'is that which runs on every such processor',
      [{ platform: platform('amd64', 'v3') }, { platform: platform('amd64') }],
      1,
    ],
    ['is its only one, where it says no platform', [{}], 0],
    [
      'is no attestation',
      [
        { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
        { platform: platform('amd64') },
      ],
      1,
    ],
  ];
  for (const [what, platforms, expected] of cases) {
    test(what, async t => {
      const { from, to } = folders(t);
      const entries = indexOf(from, platforms);
      const { outputs } = await copied(`oci:${from}`, `oci:${to}`);
      assert.equal(outputs.digest, entries[expected]?.digest);
    });
  }

  test('is copied without the others, and they are named', async t => {
    const { from, to } = folders(t);
    indexOf(from, [{ platform: platform('amd64') }, { platform: platform('arm64', 'v8') }]);
    const { said } = await copied(`oci:${from}`, `oci:${to}`);
    assert.match(said.join(), /Not copied are the images for linux\/arm64\/v8/);
  });

  test('that has none for this machine names those that it has', async t => {
    const { from, to } = folders(t);
    indexOf(from, [{ platform: platform('s390x') }]);
    await assert.rejects(copied(`oci:${from}`, `oci:${to}`), (error: unknown) => {
      assert.match(JSON.stringify(error), /linux\/s390x/);
      return true;
    });
  });
});

test('without a tag the source’s is kept, and an archive carries the source’s name', async t => {
  const { root, to } = folders(t);
  const archive = join(root, 'a.tar');
  writeFileSync(archive, smallArchive());
  const untagged = (image: string) => ({ destination: { image, tags: [] } });
  const again = `docker-archive:${root}/b.tar`;
  const first = await copied(`docker-archive:${archive}`, again, untagged(again));
  assert.deepEqual(first.outputs.tags, ['y']);
  const text = readFileSync(`${root}/b.tar`).toString('latin1');
  assert.ok(text.includes('"RepoTags":["x:y"]'), text.slice(text.indexOf('RepoTags'), 60));
  const layout = await copied(again, `oci:${to}`, untagged(`oci:${to}`));
  assert.deepEqual(layout.outputs.tags, ['y']);
  const last = `oci:${root}/last`;
  assert.deepEqual((await copied(`oci:${to}`, last, untagged(last))).outputs.tags, ['y']);
});
