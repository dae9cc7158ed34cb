import { Failure } from '../host/failure.ts';
import { packedBlobSource } from '../image/blob-sources.ts';
import { digester, type Packing } from '../image/compress.ts';
import { decompress, verified } from '../image/decompress.ts';
import { bytesOf } from '../image/frames.ts';
import { compressionOfMediaType } from '../image/sources/oci-layout.ts';
import { fixedConfig, measuredSource, type SourceImage } from '../image/sources/source-image.ts';
import { type BlobSource, type Descriptor, mediaTypes } from '../image/types.ts';
import { type FoundManifest, findManifest, readConfig, WrongDocument } from './documents.ts';
import type { ImageStore } from './store.ts';

/**
 * An image of a registry, its layers as they are stored; they are unpacked only where the packing is
 * none (and are then read twice, since their size has to be known before).
 *
 * @param reference tag or digest
 * @param architecture OCI's name; chooses the manifest where the reference is an index
 */
export async function storedImage(
  store: ImageStore,
  reference: string,
  packing: Packing,
  architecture: string,
  signal?: AbortSignal,
): Promise<SourceImage> {
  const name = `${store.repository}:${reference}`;
  const { stored, manifest } = await imageAt(store, reference, architecture, name);
  const { bytes: configBytes, diffIds } = await readConfig(store, manifest, name);
  const sources = manifest.layers.map((layer, at) =>
    layerSource(store, layer, diffIds[at] ?? '', packing),
  );
  const unpacked = packing.compression === 'none';
  const found = unpacked ? await measured(sources, signal) : sources;
  return {
    description: `image ${name}`,
    layers: found.map((source, at) => ({
      name: `layer ${at + 1}`,
      source,
      from: store.repository,
    })),
    config: fixedConfig(configBytes, diffIds, name),
    manifest: { bytes: stored.bytes, mediaType: stored.mediaType },
    repoTags: [],
    sequential: false,
    close: () => store.close(),
  };
}

/** One by one: each is read to its end. */
async function measured(sources: readonly BlobSource[], signal: AbortSignal | undefined) {
  const found: BlobSource[] = [];
  for (const source of sources) found.push(await measuredSource(source, signal));
  return found;
}

async function imageAt(
  store: ImageStore,
  reference: string,
  architecture: string,
  name: string,
): Promise<FoundManifest> {
  const found = await findManifest(store, reference, architecture, name);
  if (found === 'missing') {
    throw new Failure(`There is no image ${name}.`, {
      next: 'Check the repository and the tag; a private one answers so to those who may not read it.',
    });
  }
  if (found !== 'other-platform') return found;
  throw new WrongDocument(`${name} is an index, and has no image for ${architecture}.`, {
    next: 'Name the image of another machine by its digest, if that is what is wanted.',
  });
}

function layerSource(
  store: ImageStore,
  descriptor: Descriptor,
  diffId: string,
  packing: Packing,
): BlobSource {
  const { digest, size } = descriptor;
  const name = `the layer ${digest} of ${store.repository}`;
  const compression = compressionOfMediaType(descriptor.mediaType, name);
  const stored = () => verified(store.openBlob(descriptor), digest, name);
  if (packing.compression === 'none' && compression !== 'none') {
    const open = () => bytesOf(decompress(stored(), compression, name));
    return packedBlobSource(open, packing, { diffId });
  }
  const known = compression === 'none' ? { uncompressedSize: size } : {};
  const mediaType = mediaTypes.layer[compression];
  return { mediaType, digest, size, diffId, ...known, open: () => passedOn(stored(), diffId) };
}

/** Bytes that are sent as they came; what they unpack to is not looked at. */
function passedOn(stored: AsyncIterable<Buffer>, diffId: string): ReturnType<BlobSource['open']> {
  const seen = digester();
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of stored) {
        seen.update(chunk);
        yield chunk;
      }
    },
    bytesRead: seen.size,
    result: () => ({ digest: seen.digest(), size: seen.size(), diffId, uncompressedSize: 0 }),
  };
}
