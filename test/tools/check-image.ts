import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { runProgram } from './programs.ts';

interface Described {
  mediaType: string;
  digest: string;
  size: number;
}

/** How each kind of layer is unpacked by a program that is always there. */
const unpackers = new Map([
  ['application/vnd.oci.image.layer.v1.tar', 'cat'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip -dc'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd -dcq'],
]);

/**
 * Checks whatever the one image of an OCI layout says of itself: digests and sizes of its blobs, what
 * its layers unpack to, and that GNU tar reads them to their ends.
 *
 * @returns its manifest's digest
 */
export async function checkImage(folder: string): Promise<string> {
  const blobOf = (digest: string) => `${folder}/blobs/${digest.replace(':', '/')}`;
  const read = ({ digest, size }: Described) => {
    const bytes = readFileSync(blobOf(digest));
    assert.equal(bytes.length, size, digest);
    assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
    return bytes;
  };
  const { manifests } = JSON.parse(readFileSync(`${folder}/index.json`, 'utf8'));
  assert.equal(manifests.length, 1);
  const manifest = JSON.parse(read(manifests[0]).toString());
  assert.equal(manifest.mediaType, manifests[0].mediaType);
  const config = JSON.parse(read(manifest.config).toString());
  assert.deepEqual([config.os, typeof config.architecture], ['linux', 'string']);
  const layers = manifest.layers as Described[];
  assert.equal(config.rootfs.type, 'layers');
  assert.equal(config.rootfs.diff_ids.length, layers.length);
  const filled = (config.history as { empty_layer?: boolean }[]).filter(each => !each.empty_layer);
  assert.equal(filled.length, layers.length);
  for (const [at, layer] of layers.entries()) {
    read(layer);
    const unpacker = unpackers.get(layer.mediaType) ?? assert.fail(layer.mediaType);
    const piped = (into: string) =>
      runProgram('bash', [
        '-c',
        `set -o pipefail; ${unpacker} "$0" | ${into}`,
        blobOf(layer.digest),
      ]);
    const [sum] = (await piped('sha256sum')).split(' ');
    assert.equal(`sha256:${sum}`, config.rootfs.diff_ids[at]);
    await piped('tar -t');
  }
  return manifests[0].digest;
}
