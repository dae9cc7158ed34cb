import { Failure } from '../../host/failure.ts';
import { packedBlobSource } from '../blob-sources.ts';
import { digester, type Packing } from '../compress.ts';
import { decompress, mismatch, verified } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import { checkedSource, fixedConfig, type SourceImage } from '../sources/source-image.ts';
import type { BlobResult, BlobSource, BlobStream, Descriptor } from '../types.ts';
import { type Platform, platformName, platformsIn } from './choose.ts';
import {
  type FoundManifest,
  findManifest,
  platformIn,
  readConfig,
  readManifestOrIndex,
  WrongDocument,
} from './documents.ts';
import { compressionOfMediaType, ociLayerType } from './layer-types.ts';
import type { ImageReader } from './reader.ts';

/** Which image of a place is meant, and what is known of the place. */
export interface StoredImageOptions {
  /** Tag or digest. */
  reference: string;
  platform: Platform;
  /** What the image is called, for people. */
  name: string;
  /** Names of the image to hand on, such as "ghcr.io/o/comfyui:cu130". */
  repoTags?: readonly string[];
  tags?: readonly string[];
  /** What it runs on, as the entry says that led to it. */
  said?: Platform | undefined;
  /** Platforms of images beside it that are known by now. */
  others?: readonly string[];
  /** Whether to read a blob again costs little: what it unpacks to is proven, too, when it is passed on. */
  rereads?: boolean;
}

/**
 * An image of a registry or a layout, its layers as they are stored; they are unpacked only where the
 * packing is none.
 */
export async function storedImage(
  reader: ImageReader,
  packing: Packing,
  options: StoredImageOptions,
): Promise<SourceImage> {
  const { name, repoTags = [], tags = [] } = options;
  const { stored, manifest, platform, others } = await imageAt(reader, options);
  const { bytes: configBytes, diffIds } = await readConfig(reader, manifest, name);
  return {
    description: name,
    layers: manifest.layers.map((layer, at) => ({
      name: `layer ${at + 1}`,
      source: layerSource(reader, layer, diffIds[at] ?? '', packing, options),
      ...(reader.place === undefined ? {} : { from: reader.place }),
    })),
    config: fixedConfig(configBytes, diffIds, name),
    manifest: {
      bytes: stored.bytes,
      mediaType: stored.mediaType,
      annotations: manifest.annotations ?? {},
    },
    repoTags,
    tags,
    platform: platform ?? options.said ?? platformIn(configBytes),
    otherPlatforms: [...(options.others ?? []), ...others],
    sequential: false,
    close: async () => undefined,
  };
}

async function imageAt(
  reader: ImageReader,
  { reference, platform, name }: StoredImageOptions,
): Promise<FoundManifest> {
  const found = await findManifest(reader, reference, platform, name);
  if (found === 'missing') {
    throw new Failure(`There is no image ${name}.`, {
      next: 'Check the repository and the tag; a private one answers so to those who may not read it.',
    });
  }
  if (found !== 'other-platform') return found;
  const index = await reader.getManifest(reference);
  const listed = index ? readManifestOrIndex(index.bytes, name) : undefined;
  const has = listed && 'manifests' in listed ? platformsIn(listed.manifests) : [];
  throw new WrongDocument(`${name} is an index, and has no image for ${platformName(platform)}.`, {
    ...(has.length > 0 ? { tried: `It has images for ${has.join(', ')}.` } : {}),
    next: 'Choose one of them by --platform, or copy all of them by --all.',
  });
}

function layerSource(
  reader: ImageReader,
  descriptor: Descriptor,
  diffId: string,
  packing: Packing,
  { rereads = false }: StoredImageOptions,
): BlobSource {
  const { digest, size, mediaType } = descriptor;
  const name = `the layer ${digest} of ${reader.repository}`;
  const compression = compressionOfMediaType(mediaType, name);
  if (packing.compression === 'none' && compression !== 'none') {
    const stored = () => verified(reader.openBlob(descriptor), digest, name);
    const open = () => bytesOf(decompress(stored(), compression, name));
    const source = packedBlobSource(open, packing, { diffId });
    return checkedSource({ ...source, mediaType: ociLayerType(mediaType, 'none') }, name);
  }
  const plain = compression === 'none';
  if (plain && digest !== diffId) throw mismatch(name, diffId, digest);
  const prove =
    rereads && !plain
      ? () => contentOf(decompress(reader.openBlob(descriptor), compression, name))
      : async () => ({ diffId, uncompressedSize: plain ? size : 0 });
  return {
    mediaType: ociLayerType(mediaType, compression),
    digest,
    size,
    diffId,
    ...(plain ? { uncompressedSize: size } : {}),
    open: signal =>
      passedOn(reader.openBlob(descriptor), { ...descriptor, diffId, name }, prove, signal),
  };
}

/** A blob that is passed on whatever it is: only its digest is proven. */
export function storedBlob(reader: ImageReader, descriptor: Descriptor): BlobSource {
  const { digest, size, mediaType } = descriptor;
  const name = `the blob ${digest} of ${reader.repository}`;
  const blob = { ...descriptor, diffId: digest, name };
  const prove = async () => ({ diffId: digest, uncompressedSize: 0 });
  const open = (signal?: AbortSignal) => passedOn(reader.openBlob(descriptor), blob, prove, signal);
  return { mediaType, digest, size, diffId: digest, open };
}

/** What a layer's blob unpacks to. */
type Content = Pick<BlobResult, 'diffId' | 'uncompressedSize'>;

async function contentOf(bytes: AsyncIterable<Buffer>): Promise<Content> {
  const seen = digester();
  for await (const chunk of bytes) seen.update(chunk);
  return { diffId: seen.digest(), uncompressedSize: seen.size() };
}

/** Bytes that are sent as they came. The last of them are held until all is proven. */
function passedOn(
  stored: AsyncIterable<Buffer>,
  { size, digest, diffId, name }: Descriptor & { diffId: string; name: string },
  prove: () => Promise<Content>,
  signal: AbortSignal | undefined,
): BlobStream {
  const seen = digester();
  let content: Content | undefined;
  return {
    async *[Symbol.asyncIterator]() {
      let held: Buffer | undefined;
      for await (const chunk of stored) {
        signal?.throwIfAborted();
        seen.update(chunk);
        if (seen.size() > size) throw mismatch(name, `${size} bytes`, 'more');
        if (held) yield held;
        held = chunk;
      }
      if (seen.digest() !== digest) throw mismatch(name, digest, seen.digest());
      content = await prove();
      if (content.diffId !== diffId) throw mismatch(name, diffId, content.diffId);
      if (held) yield held;
    },
    bytesRead: () => content?.uncompressedSize || seen.size(),
    result() {
      if (!content) throw new Error('A blob has a result only when it was read to its end.');
      return { digest: seen.digest(), size: seen.size(), ...content };
    },
  };
}
