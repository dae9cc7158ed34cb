import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { copy } from '../../../src/commands/copy.ts';
import { Failure } from '../../../src/host/failure.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { quietHost } from '../../tools/host.ts';
import {
  fillLayout,
  type SmallMember,
  sha256,
  smallArchive,
  smallConfig,
  smallLayer,
  startLayout,
  tarOf,
} from '../../tools/small-image.ts';
import { copied, folders, settings } from './copying.ts';

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

  test('says of such layers that they are so, packed or not, by Docker’s name or OCI’s', async t => {
    const oci = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
    const docker = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const packed = gzipSync(smallLayer);
    for (const [type, bytes, kept] of [
      [oci, smallLayer, oci],
      [`${oci}+gzip`, packed, `${oci}+gzip`],
      [docker, packed, `${oci}+gzip`],
    ] as const) {
      const { from, to } = folders(t);
      const layout = startLayout(from);
      const { manifest } = fillLayout(layout);
      // of Docker's kind, so that it is written anew
      const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
      const layers = [layout.put(bytes, type)];
      layout.index([layout.put(JSON.stringify({ ...manifest, mediaType, layers }), mediaType)]);
      await copied(`oci:${from}`, `oci:${to}`);
      const found = await layoutStore(to, quietHost()).getManifest('t');
      assert.equal(JSON.parse(String(found?.bytes)).layers[0].mediaType, kept);
      await copied(`oci:${from}`, `docker-archive:${to}.tar`);
      await copied(`docker-archive:${to}.tar`, `oci:${to}2`);
      const unpacked = await layoutStore(`${to}2`, quietHost()).getManifest('t');
      assert.equal(JSON.parse(String(unpacked?.bytes)).layers.length, 1);
    }
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

  test('that says no platform, or is no index, is what its config says', async t => {
    const { from, to, root } = folders(t);
    const asked = { platform: platform('arm64') };
    indexOf(from, [{}]);
    const expected = /is for linux\/amd64, and linux\/arm64 was asked for/;
    await assert.rejects(copied(`oci:${from}`, `oci:${to}`, asked), expected);
    await copied(`oci:${from}`, `oci:${to}`, { platform: platform('amd64') });
    fillLayout(startLayout(`${root}/one`));
    await assert.rejects(copied(`oci:${root}/one`, `oci:${to}`, asked), expected);
    writeFileSync(`${root}/a.tar`, smallArchive());
    await assert.rejects(copied(`${root}/a.tar`, `oci:${to}`, asked), expected);
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

describe('an archive', () => {
  /** The tar of a layout with one image, and its manifest's digest. */
  function ociArchive(root: string) {
    const layout = startLayout(join(root, 'layout'));
    const { manifest, descriptor } = fillLayout(layout);
    const blob = ({ digest }: { digest: string }): SmallMember => {
      const path = `blobs/${digest.replace(':', '/')}`;
      return [path, readFileSync(join(layout.folder, path))];
    };
    const named = {
      ...descriptor,
      annotations: { 'org.opencontainers.image.ref.name': 'x/y:one' },
    };
    const tar = tarOf([
      ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
      ...[...manifest.layers, manifest.config, descriptor].map(blob),
      ['index.json', JSON.stringify({ schemaVersion: 2, manifests: [named] })],
    ]);
    return { tar, digest: descriptor.digest };
  }

  const packers = {
    plain: (tar: Buffer) => tar,
    gzip: (tar: Buffer) => gzipSync(tar),
    xz: (tar: Buffer) => execFileSync('xz', { input: tar }),
    bzip2: (tar: Buffer) => execFileSync('bzip2', { input: tar }),
  };
  const host = () => quietHost({ env: { PATH: process.env.PATH } });

  for (const [how, pack] of Object.entries(packers)) {
    test(`of a layout is read, ${how}`, async t => {
      const { root, to } = folders(t);
      const { tar, digest } = ociArchive(root);
      writeFileSync(join(root, 'a.tar'), pack(tar));
      const given = settings(`oci-archive:${root}/a.tar`, `oci:${to}`);
      const { outputs } = await copy(
        { ...given, destination: { image: `oci:${to}`, tags: [] } },
        host(),
      );
      assert.equal(outputs.digest, digest);
      assert.deepEqual(outputs.tags, ['one']);
      await copy(settings(`oci-archive:${root}/a.tar:one`, `oci:${to}2`), host());
      await copy(settings(`oci-archive:${root}/a.tar:x/y:one`, `oci:${to}3`), host());
    });
    test(`of Docker is read, ${how}`, async t => {
      const { root, to } = folders(t);
      writeFileSync(join(root, 'a.tar'), pack(smallArchive()));
      await copy(settings(`docker-archive:${root}/a.tar`, `oci:${to}`), host());
    });
  }

  test('that is packed by a program which is not there says so', async t => {
    const { root, to } = folders(t);
    writeFileSync(join(root, 'a.tar'), packers.xz(smallArchive()));
    const copying = copy(
      settings(`${root}/a.tar`, `oci:${to}`),
      quietHost({ env: { PATH: root } }),
    );
    await assert.rejects(copying, /a\.tar is packed by xz, and no such program can be started/);
  });

  test('that is damaged within what a program unpacks says so', async t => {
    const { root, to } = folders(t);
    const packed = packers.xz(smallArchive());
    writeFileSync(join(root, 'a.tar'), packed.subarray(0, packed.length / 2));
    await assert.rejects(copy(settings(`${root}/a.tar`, `oci:${to}`), host()), Failure);
  });

  test('of several images wants a name, and lists those that it has', async t => {
    const { root, to } = folders(t);
    const other = tarOf([['b', 'other']]);
    const tar = tarOf([
      ['1.tar', smallLayer],
      ['2.tar', other],
      ['c.json', JSON.stringify(smallConfig())],
      ['d.json', JSON.stringify(smallConfig([other]))],
      [
        'manifest.json',
        JSON.stringify([
          { Config: 'c.json', RepoTags: ['x/y:one', 'x/y:both'], Layers: ['1.tar'] },
          { Config: 'd.json', RepoTags: ['docker.io/x/y:two', 'z:both'], Layers: ['2.tar'] },
        ]),
      ],
    ]);
    writeFileSync(join(root, 'a:b.tar'), tar);
    const source = `docker-archive:${root}/a:b.tar`;
    await assert.rejects(copied(source, `oci:${to}`), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /holds 2 images, and nothing says which is meant/);
      assert.equal(error.details.tried, 'It holds x/y:one, x/y:both, docker.io/x/y:two, z:both.');
      return true;
    });
    for (const [name, layer] of [
      ['two', other],
      ['x/y:two', other],
      ['x/y:one', smallLayer],
    ] as const) {
      await copied(`${source}:${name}`, `oci:${to}`);
      const found = await layoutStore(to, quietHost()).getManifest('t');
      const { config } = JSON.parse(String(found?.bytes));
      const bytes = await layoutStore(to, quietHost()).getBlob(config);
      assert.deepEqual(JSON.parse(String(bytes)).rootfs.diff_ids, [sha256(layer)], name);
    }
    await assert.rejects(copied(`${source}:three`, `oci:${to}`), /holds no image called three/);
    await assert.rejects(copied(`${source}:both`, `oci:${to}`), /holds 2 images, and nothing says/);
  });
});

test('a file that is not there is no such file, however it is named', async t => {
  const { root, to } = folders(t);
  for (const source of [
    `${root}/none`,
    './none.tar',
    '../none',
    `oci:${root}/none`,
    `oci:${root}/none:x`,
    `oci-archive:${root}/none.tar`,
    `docker-archive:${root}/none.tar`,
    `docker-archive:${root}/none.tar:x/y:z`,
  ]) {
    await assert.rejects(
      copied(source, `oci:${to}`, { workingDirectory: root }),
      /There is no file/,
    );
  }
});
