import { type BlobSource, type Descriptor, mediaTypes } from '../../src/image/types.ts';
import type { ImageStore } from '../../src/registry/store.ts';

/** Pushes an image of these layers as the program does: blobs, manifest by digest, tags last. */
export async function pushImage(
  store: ImageStore,
  sources: readonly BlobSource[],
  tags: readonly string[],
): Promise<string> {
  const results = await Promise.all(sources.map(source => store.putBlob(source)));
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: results.map(({ diffId }) => diffId) },
  };
  const configDescriptor = await store.putBytes(
    Buffer.from(JSON.stringify(config)),
    mediaTypes.config,
  );
  const layers: Descriptor[] = results.map(({ digest, size }, at) => ({
    mediaType: sources[at]?.mediaType ?? '',
    digest,
    size,
  }));
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configDescriptor,
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const { digest } = await store.putManifest(bytes, mediaTypes.manifest);
  for (const tag of tags) {
    await store.putTag(tag, { bytes, mediaType: mediaTypes.manifest, digest });
  }
  return digest;
}
