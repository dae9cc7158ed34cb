import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { entriesBlobSource, storeBlobSource } from '../../../src/image/blob-sources.ts';
import { imageConfig, manifest } from '../../../src/image/config.ts';
import { framePool } from '../../../src/image/frames.ts';
import { type Compression, mediaTypes } from '../../../src/image/types.ts';
import { checkImage } from '../../tools/check-image.ts';
import { rootEntries } from '../../tools/root-entries.ts';
import { collect, temporaryFolder } from '../../unit/image/fixtures.ts';

for (const compression of ['zstd', 'gzip', 'none'] satisfies Compression[]) {
  test(`skopeo reads an image with ${compression} layers`, async t => {
    const folder = temporaryFolder(t);
    const layout = `${folder}/layout`;
    mkdirSync(`${layout}/blobs/sha256`, { recursive: true });
    const put = (bytes: Buffer, mediaType: string) => {
      const hex = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(`${layout}/blobs/sha256/${hex}`, bytes);
      return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
    };
    mkdirSync(`${folder}/pkg/bin`, { recursive: true });
    // larger than a frame, so that the layer has several
    writeFileSync(`${folder}/pkg/bin/tool`, Buffer.alloc(9 << 20, 'tool '));
    const packing = { compression, pool: framePool(2) };
    const entries = rootEntries([{ outPath: `${folder}/pkg`, tree: { bin: { tool: 0 } } }], []);
    const sources = [
      storeBlobSource([`${folder}/pkg`], packing, { storeDir: folder }),
      entriesBlobSource(() => entries, packing),
    ];
    const layers = [];
    for (const source of sources) {
      const blob = source.open();
      const descriptor = put(await collect(blob), source.mediaType);
      assert.equal(descriptor.digest, blob.result().digest);
      layers.push({ descriptor, name: 'layer', diffId: blob.result().diffId });
    }
    const config = imageConfig({
      config: { Env: ['A=1'], Cmd: ['/bin/tool'], Labels: { 'org.example.a': 'b' } },
      labels: {},
      created: '1970-01-01T00:00:01Z',
      architecture: 'amd64',
      layers,
    });
    const descriptors = layers.map(({ descriptor }) => descriptor);
    const image = { config: put(config, mediaTypes.config), layers: descriptors };
    const stored = put(
      manifest({ ...image, annotations: { 'org.example.c': 'd' } }),
      mediaTypes.manifest,
    );
    writeFileSync(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(
      `${layout}/index.json`,
      JSON.stringify({ schemaVersion: 2, manifests: [stored] }),
    );

    const inspected = JSON.parse(execFileSync('skopeo', ['inspect', `oci:${layout}`]).toString());
    assert.equal(inspected.Architecture, 'amd64');
    assert.deepEqual(inspected.Labels, { 'org.example.a': 'b' });
    assert.deepEqual(inspected.Env, ['A=1']);
    assert.equal(await checkImage(layout), stored.digest);
    const copied = `oci:${folder}/copied:latest`;
    execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', `oci:${layout}`, copied]);
    // unpacking verifies the diffIDs; this skopeo cannot do it for zstd
    if (compression !== 'zstd') {
      const archive = `docker-archive:${folder}/image.tar`;
      execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', `oci:${layout}`, archive]);
    }
  });
}
