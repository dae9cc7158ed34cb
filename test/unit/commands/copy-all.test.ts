import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { mediaTypes } from '../../../src/image/types.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { quietHost } from '../../tools/host.ts';
import { type Behaviour, startRegistryStandIn } from '../../tools/registry-stand-in.ts';
import {
  fillLayout,
  sha256,
  smallArchive,
  smallConfig,
  smallLayer,
  startLayout,
  tarOf,
} from '../../tools/small-image.ts';
import { copied, folders } from './copying.ts';

describe('a copy of all', () => {
  const manifestOf = (value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    return { bytes, mediaType: mediaTypes.manifest, digest: sha256(bytes) };
  };

  /** A layout with an index of two platforms and an attestation, and a signature of the index. */
  async function signedIndex(folder: string) {
    const store = layoutStore(folder, quietHost());
    const layer = await store.putBytes(smallLayer, mediaTypes.layer.none);
    const put = async (of: string) => {
      const bytes = Buffer.from(JSON.stringify({ ...smallConfig(), of }));
      const config = await store.putBytes(bytes, mediaTypes.config);
      const value = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] };
      const { digest, bytes: manifest } = manifestOf(value);
      await store.putManifest(manifest, mediaTypes.manifest);
      return { mediaType: mediaTypes.manifest, digest, size: manifest.length };
    };
    const [amd64, arm64, attestation, signature] = [
      { ...(await put('amd64')), platform: { os: 'linux', architecture: 'amd64' } },
      { ...(await put('arm64')), platform: { os: 'linux', architecture: 'arm64' } },
      { ...(await put('x')), annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
      await put('signature'),
    ];
    const manifests = [amd64, arm64, attestation];
    const index = { ...manifestOf({ schemaVersion: 2, manifests }), mediaType: mediaTypes.index };
    await store.putTag('t', index);
    const name = `${index.digest.replace(':', '-')}.sig`;
    const signed = await store.getManifest(signature.digest);
    assert.ok(signed);
    await store.putTag(name, signed);
    return { index, name, signed, manifests };
  }

  test('keeps the index, all that it names, and what refers to it', async t => {
    const { from, to } = folders(t);
    const { index, name, signed, manifests } = await signedIndex(from);
    const { outputs, said } = await copied(`oci:${from}`, `oci:${to}`, { all: true });
    assert.equal(outputs.digest, index.digest);
    assert.deepEqual(said, []);
    const store = layoutStore(to, quietHost());
    assert.deepEqual(await store.getManifest('t'), index);
    for (const { digest } of manifests) {
      const found = await store.getManifest(digest);
      const { config, layers } = JSON.parse(String(found?.bytes));
      assert.ok(await store.hasBlob(config.digest, config.size));
      assert.ok(await store.hasBlob(layers[0].digest, layers[0].size));
    }
    assert.deepEqual(await store.getManifest(name), signed);
    // still one image for who names no tag
    assert.equal((await copied(`oci:${to}`, `oci:${to}2`)).outputs.digest, manifests[0]?.digest);
  });

  test('by one platform takes that', async t => {
    const { from, to } = folders(t);
    const { manifests } = await signedIndex(from);
    const platform = { os: 'linux', architecture: 'arm64' };
    const { outputs } = await copied(`oci:${from}`, `oci:${to}`, { platform });
    assert.equal(outputs.digest, manifests[1]?.digest);
  });

  test('is refused where the destination holds one image, or the source', async t => {
    const { from, to, root } = folders(t);
    await signedIndex(from);
    const archive = `docker-archive:${to}.tar`;
    await assert.rejects(copied(`oci:${from}`, archive, { all: true }), /cannot hold a manifest/);
    writeFileSync(`${root}/a.tar`, smallArchive());
    const one = copied(`docker-archive:${root}/a.tar`, `oci:${to}`, { all: true });
    await assert.rejects(one, /no index of several images/);
  });
});

describe('what refers to an image', () => {
  const registries = async (t: TestContext, ...behaviours: Partial<Behaviour>[]) => {
    const started = await Promise.all(behaviours.map(startRegistryStandIn));
    t.after(() => Promise.all(started.map(registry => registry.stop())));
    return started.map(registry => ({ ...registry, image: `${registry.address}/o/n` }));
  };

  const referrer = (subject: { digest: string }, config: object, of: string) =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: `x/${of}`,
      ...{ config, layers: [], subject },
    });

  /** A layout of an image, with two manifests that refer to it and one that refers to one of those, as oras lists them. */
  function referredTo(folder: string) {
    const layout = startLayout(folder);
    const { descriptor } = fillLayout(layout);
    const config = layout.put('{}', 'application/vnd.oci.empty.v1+json');
    const put = (subject: { digest: string }, of: string) => ({
      ...layout.put(referrer(subject, config, of), mediaTypes.manifest),
      artifactType: `x/${of}`,
    });
    const [sbom, signature] = [put(descriptor, 'sbom'), put(descriptor, 'signature')];
    const ofSbom = put(sbom, 'signature-of-sbom');
    layout.index([descriptor, sbom, signature, ofSbom]);
    return { descriptor, sbom, signature, ofSbom };
  }

  const listed = (bytes: Buffer | undefined) =>
    JSON.parse(String(bytes)).manifests.map(({ digest }: { digest: string }) => digest);

  test('is kept between registries that list it, and by tags where one does not', async t => {
    const { from, to } = folders(t);
    const { descriptor, sbom, signature, ofSbom } = referredTo(from);
    const list = { listsReferrers: true };
    const [first, second, old, older] = await registries(t, list, list, {}, {});
    assert.ok(first && second && old && older);
    const places = [
      [`oci:${from}`, first.image],
      [`${first.image}:t`, second.image],
      [`${second.image}:t`, old.image],
      [`${old.image}:t`, `oci:${to}`],
      [`oci:${to}`, older.image],
    ] as const;
    for (const [source, image] of places) {
      const { outputs, said } = await copied(source, image, { all: true });
      assert.deepEqual([outputs.digest, said], [descriptor.digest, []], source);
    }
    const all = [descriptor, sbom, signature, ofSbom].map(each => each.digest).sort();
    const tag = (digest: string) => digest.replace(':', '-');
    for (const registry of [first, second, old, older]) {
      const { manifests, behaviour } = registry;
      const names = [...manifests.keys()].filter(name => name.startsWith('sha256:'));
      const isListed = behaviour.listsReferrers;
      assert.ok(all.every(digest => names.includes(digest)));
      assert.equal(manifests.has(tag(descriptor.digest)), !isListed);
      if (isListed) continue;
      const found = listed(manifests.get(tag(descriptor.digest))?.bytes);
      assert.deepEqual(found.sort(), [sbom.digest, signature.digest].sort());
      assert.deepEqual(listed(manifests.get(tag(sbom.digest))?.bytes), [ofSbom.digest]);
    }
  });

  test('joins what a tag of the destination lists already', async t => {
    const { from } = folders(t);
    const { descriptor, sbom, signature } = referredTo(from);
    const [registry] = await registries(t, {});
    assert.ok(registry);
    const other = { mediaType: mediaTypes.manifest, digest: sha256('other'), size: 5 };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [other] }));
    const tag = descriptor.digest.replace(':', '-');
    registry.manifests.set(tag, { bytes, mediaType: mediaTypes.index });
    registry.manifests.set(other.digest, { bytes: Buffer.from('other'), mediaType: 'x/y' });
    await copied(`oci:${from}`, registry.image, { all: true });
    assert.deepEqual(
      listed(registry.manifests.get(tag)?.bytes),
      [other, sbom, signature].map(each => each.digest),
    );
  });

  test('is not taken from a list that never ends', async t => {
    const { from, to } = folders(t);
    const { descriptor } = referredTo(from);
    const [registry] = await registries(t, { listsReferrers: true });
    assert.ok(registry);
    await copied(`oci:${from}`, registry.image, { all: true });
    const page = JSON.stringify({ schemaVersion: 2, manifests: [descriptor] });
    let asked = 0;
    registry.behaviour.answer = ({ url = '' }) => {
      if (!url.includes('/referrers/')) return undefined;
      asked += 1;
      return { status: 200, body: page, headers: { link: `<${url}>; rel="next"` } };
    };
    await copied(`${registry.image}:t`, `oci:${to}`, { all: true });
    assert.equal(asked, 20);
  });

  test('is asked of tags where the answer is no list', async t => {
    const { from, to } = folders(t);
    referredTo(from);
    const [registry] = await registries(t, {});
    assert.ok(registry);
    await copied(`oci:${from}`, registry.image, { all: true });
    const answers = [
      { status: 200, body: '<html>' },
      { status: 400, body: '' },
      { status: 405, body: '' },
    ];
    for (const given of answers) {
      registry.behaviour.answer = ({ url = '' }) =>
        url.includes('/referrers/') ? given : undefined;
      await copied(`${registry.image}:t`, `oci:${to}`, { all: true });
      const { annotations } = JSON.parse(readFileSync(join(to, 'index.json'), 'utf8'));
      assert.equal(Object.keys(annotations).length, 2, `${given.status}`);
    }
  });
});

describe('all of an image', () => {
  const platforms = ['amd64', 'arm64'].map(architecture => ({ os: 'linux', architecture }));

  /** A layout with an image for each platform; gives their descriptors. */
  function images(folder: string) {
    const layout = startLayout(folder);
    const entries = platforms.map(platform => {
      const config = { ...smallConfig(), ...platform };
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: layout.put(JSON.stringify(config), mediaTypes.config),
        layers: [layout.put(smallLayer, mediaTypes.layer.none)],
      };
      return { ...layout.put(JSON.stringify(manifest), mediaTypes.manifest), platform };
    });
    return { layout, entries };
  }

  test('is read from an archive of a layout, packed or not', async t => {
    const { from, to, root } = folders(t);
    const { layout, entries } = images(from);
    const index = layout.put(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: entries }),
      mediaTypes.index,
    );
    layout.index([index]);
    const names = ['oci-layout', 'index.json'];
    const blobs = readdirSync(join(from, 'blobs/sha256')).map(name => `blobs/sha256/${name}`);
    const tar = tarOf([...names, ...blobs].map(name => [name, readFileSync(join(from, name))]));
    for (const bytes of [tar, gzipSync(tar)]) {
      writeFileSync(`${root}/a.tar`, bytes);
      rmSync(to, { recursive: true, force: true });
      const { outputs } = await copied(`oci-archive:${root}/a.tar`, `oci:${to}`, { all: true });
      assert.equal(outputs.digest, index.digest);
      for (const { digest } of entries) {
        assert.ok(await layoutStore(to, quietHost()).getManifest(digest));
      }
    }
  });

  test('of which a layout lists each platform by itself gets an index; one alone says what it leaves', async t => {
    const { from, to } = folders(t);
    const { layout, entries } = images(from);
    const named = { annotations: { 'org.opencontainers.image.ref.name': 't' } };
    layout.index(entries.map(entry => ({ ...entry, ...named })));
    const platform = platforms[0] ?? assert.fail();
    const one = await copied(`oci:${from}`, `oci:${to}`, { platform });
    assert.equal(one.outputs.digest, entries[0]?.digest);
    assert.match(one.said.join(), /Not copied are the images for linux\/arm64/);
    await copied(`oci:${from}:t`, `oci:${to}2`, { all: true });
    const found = await layoutStore(`${to}2`, quietHost()).getManifest('t');
    assert.deepEqual(JSON.parse(String(found?.bytes)).manifests, entries);
  });

  test('that Docker has described is converted for a layout, and its new digest is said', async t => {
    const { from, to } = folders(t);
    const { layout, entries } = images(from);
    const docker = (type: string) => `application/vnd.docker.${type}`;
    const manifests = platforms.map((platform, at) => {
      const config = { ...smallConfig(), ...platform };
      const manifest = {
        schemaVersion: 2,
        mediaType: docker('distribution.manifest.v2+json'),
        config: layout.put(JSON.stringify(config), docker('container.image.v1+json')),
        layers: [layout.put(gzipSync(smallLayer), docker('image.rootfs.diff.tar.gzip'))],
      };
      const put = layout.put(JSON.stringify(manifest), manifest.mediaType);
      return { ...put, platform: { ...platform, 'os.version': `${at}` } };
    });
    const mediaType = docker('distribution.manifest.list.v2+json');
    const list = { schemaVersion: 2, mediaType, manifests: [...manifests, entries[0]] };
    layout.index([layout.put(JSON.stringify(list), mediaType)]);
    const { outputs, said } = await copied(`oci:${from}`, `oci:${to}`, { all: true });
    const store = layoutStore(to, quietHost());
    const found = await store.getManifest('t');
    assert.equal(outputs.digest, found?.digest);
    assert.equal(found?.mediaType, mediaTypes.index);
    const index = JSON.parse(String(found?.bytes));
    assert.deepEqual(index.manifests[2], entries[0]);
    for (const [at, entry] of index.manifests.slice(0, 2).entries()) {
      assert.equal(entry.mediaType, mediaTypes.manifest);
      assert.deepEqual(entry.platform, { ...platforms[at], 'os.version': `${at}` });
      const image = await store.getManifest(entry.digest);
      const { config, layers } = JSON.parse(String(image?.bytes));
      assert.equal(config.mediaType, mediaTypes.config);
      assert.equal(layers[0].mediaType, mediaTypes.layer.gzip);
      assert.ok(await store.hasBlob(layers[0].digest, layers[0].size));
    }
    assert.equal(said.length, 1);
    assert.match(said.join(), new RegExp(`3 of the .* were converted.* ${found?.digest} there`));
    // and a registry takes it as it is
    const [registry] = await Promise.all([startRegistryStandIn()]);
    t.after(() => registry.stop());
    await copied(`oci:${from}`, `${registry.address}/o/n`, { all: true });
    assert.equal(registry.manifests.get('t')?.mediaType, mediaType);
  });
});
