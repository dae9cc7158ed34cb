import { Failure } from '../host/failure.ts';
import { packedBlobSource } from '../image/blob-sources.ts';
import { digester, type Packing } from '../image/compress.ts';
import { decompress, verified } from '../image/decompress.ts';
import { bytesOf } from '../image/frames.ts';
import { compressionOfMediaType } from '../image/sources/oci-layout.ts';
import {
  diffIdsOf,
  fixedConfig,
  malformed,
  measuredSource,
  parseJson,
  type SourceImage,
} from '../image/sources/source-image.ts';
import { type BlobSource, type Descriptor, type Manifest, mediaTypes } from '../image/types.ts';
import type { ImageStore, StoredManifest } from './store.ts';

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
  const stored = await findManifest(store, reference, architecture, name);
  const { config, layers } = readManifest(stored, name);
  const configBytes = await store.getBlob(config);
  if (configBytes === undefined) throw malformed(name, `its config ${config.digest} is gone`);
  const diffIds = diffIdsOf(parseJson(configBytes.toString(), `the config of ${name}`), name);
  if (diffIds.length !== layers.length) {
    throw malformed(name, `it has ${layers.length} layers and ${diffIds.length} diffIDs`);
  }
  const sources = layers.map((layer, at) => layerSource(store, layer, diffIds[at] ?? '', packing));
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

async function findManifest(
  store: ImageStore,
  reference: string,
  architecture: string,
  name: string,
): Promise<StoredManifest> {
  const stored = await store.getManifest(reference);
  if (stored === undefined) {
    throw new Failure(`There is no image ${name}.`, {
      next: 'Check the repository and the tag; a private one answers so to those who may not read it.',
    });
  }
  const json = parseJson(stored.bytes.toString(), name) as { manifests?: Descriptor[] };
  if (json.manifests === undefined) return stored;
  const fitting = json.manifests.find(each => each.platform?.architecture === architecture);
  if (fitting) return findManifest(store, fitting.digest, architecture, name);
  throw malformed(name, `its index has no image for ${architecture}`);
}

function readManifest({ bytes }: StoredManifest, name: string): Manifest {
  const manifest = parseJson(bytes.toString(), name) as Partial<Manifest>;
  if (manifest.config === undefined || !Array.isArray(manifest.layers)) {
    throw malformed(name, 'its manifest has no config or no layers');
  }
  return manifest as Manifest;
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
