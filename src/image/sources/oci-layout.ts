import { stat } from 'node:fs/promises';
import { Failure } from '../../host/failure.ts';
import { packedBlobSource } from '../blob-sources.ts';
import { digester, type Packing } from '../compress.ts';
import { decompress, mismatch, verified } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import {
  type BlobSource,
  type BlobStream,
  type Compression,
  type Descriptor,
  mediaTypes,
} from '../types.ts';
import { fileBytes, readSmallFile } from './file-bytes.ts';
import {
  checkedSource,
  diffIdsOf,
  fixedConfig,
  isDigest,
  isRecord,
  malformed,
  parseJson,
  type SourceImage,
} from './source-image.ts';

/** Compression by a layer's media type, Docker's own names included. */
export function compressionOfMediaType(mediaType: string, name: string): Compression {
  const types: Record<string, Compression> = {
    [mediaTypes.layer.none]: 'none',
    [mediaTypes.layer.gzip]: 'gzip',
    [mediaTypes.layer.zstd]: 'zstd',
    'application/vnd.docker.image.rootfs.diff.tar': 'none',
    'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip',
    'application/vnd.docker.image.rootfs.diff.tar.zstd': 'zstd',
  };
  const compression = types[mediaType];
  if (compression) return compression;
  throw new Failure(`${name} has a layer of the unknown media type ${mediaType}.`, {
    tried: `Known are: ${Object.keys(types).join(', ')}.`,
    next: 'Convert the image with another tool, such as skopeo copy.',
  });
}

/**
 * An image of an OCI layout folder (image-spec, image-layout.md), its layers as they are stored;
 * they are unpacked only where the packing is none.
 *
 * @param tag the image's name in the layout; not needed where there is only one image
 * @param architecture chooses the manifest where the image is an index
 */
export async function ociLayout(
  folder: string,
  packing: Packing,
  { tag, architecture }: { tag?: string; architecture?: string } = {},
): Promise<SourceImage> {
  const index = parseJson(
    (await readSmallFile(`${folder}/index.json`)).toString(),
    `${folder}/index.json`,
  );
  const chosen = chooseImage(descriptorsOf(index, 'manifests', folder), tag, folder);
  const manifest = await readManifest(folder, chosen, architecture);
  const config = isRecord(manifest) ? manifest.config : undefined;
  if (!isDescriptor(config)) throw malformed(folder, 'its manifest has no config');
  const configBytes = await readBlob(folder, config);
  const diffIds = diffIdsOf(parseJson(configBytes.toString(), `the config in ${folder}`), folder);
  const descriptors = descriptorsOf(manifest, 'layers', folder);
  if (descriptors.length !== diffIds.length) {
    throw malformed(folder, `it has ${descriptors.length} layers and ${diffIds.length} diffIDs`);
  }
  return {
    description: `OCI layout ${folder}`,
    layers: descriptors.map((descriptor, at) => ({
      name: `layer ${at + 1}`,
      source: layoutBlob(blobFile(folder, descriptor), descriptor, diffIds[at] ?? '', packing),
    })),
    config: fixedConfig(configBytes, diffIds, folder),
    repoTags: [],
    sequential: false,
    close: async () => undefined,
  };
}

function layoutBlob(file: string, descriptor: Descriptor, diffId: string, packing: Packing) {
  const compression = compressionOfMediaType(descriptor.mediaType, file);
  if (packing.compression !== 'none' || compression === 'none') {
    return storedBlob(file, descriptor, diffId);
  }
  const stored = () => verified(fileBytes(file), descriptor.digest, file);
  const open = () => bytesOf(decompress(stored(), compression, file));
  return checkedSource(packedBlobSource(open, packing, { diffId }), file);
}

/**
 * A blob in a file that is sent as it is. Before its last piece it is decompressed as well, to
 * verify the diffID beside the digest: a blob that is wrong is never finished.
 */
export function storedBlob(file: string, descriptor: Descriptor, diffId: string): BlobSource {
  const compression = compressionOfMediaType(descriptor.mediaType, file);
  return {
    mediaType: mediaTypes.layer[compression],
    digest: descriptor.digest,
    size: descriptor.size,
    diffId,
    ...(compression === 'none' ? { uncompressedSize: descriptor.size } : {}),
    open: signal => storedStream(file, descriptor, diffId, compression, signal),
  };
}

function storedStream(
  file: string,
  descriptor: Descriptor,
  diffId: string,
  compression: Compression,
  signal: AbortSignal | undefined,
): BlobStream {
  const stored = digester();
  const uncompressed = digester();
  let ended = false;

  async function* pieces(): AsyncGenerator<Buffer> {
    const { size, digest } = descriptor;
    const found = (await stat(file).catch(() => undefined))?.size ?? size;
    if (found !== size) throw mismatch(file, `${size} bytes`, `${found} bytes`);
    for await (const piece of fileBytes(file)) {
      signal?.throwIfAborted();
      stored.update(piece);
      if (stored.size() === size) {
        const content = decompress(fileBytes(file), compression, file);
        for await (const chunk of content) uncompressed.update(chunk);
        if (stored.digest() !== digest) throw mismatch(file, digest, stored.digest());
        if (uncompressed.digest() !== diffId) throw mismatch(file, diffId, uncompressed.digest());
        ended = true;
      }
      yield piece;
    }
  }

  return {
    [Symbol.asyncIterator]: pieces,
    bytesRead: uncompressed.size,
    result() {
      if (!ended) throw new Error('A blob has a result only when it was read to its end.');
      return {
        digest: stored.digest(),
        size: stored.size(),
        diffId: uncompressed.digest(),
        uncompressedSize: uncompressed.size(),
      };
    },
  };
}

const isDescriptor = (value: unknown): value is Descriptor =>
  isRecord(value) &&
  typeof value.mediaType === 'string' &&
  typeof value.digest === 'string' &&
  isDigest(value.digest) &&
  typeof value.size === 'number';

function descriptorsOf(value: unknown, key: string, folder: string): Descriptor[] {
  const list = isRecord(value) ? value[key] : undefined;
  if (!Array.isArray(list) || !list.every(isDescriptor)) {
    throw malformed(folder, `its ${key} are no list of descriptors`);
  }
  return list;
}

const tagAnnotation = 'org.opencontainers.image.ref.name';

function chooseImage(images: Descriptor[], tag: string | undefined, folder: string): Descriptor {
  const named = images.filter(
    image => tag === undefined || image.annotations?.[tagAnnotation] === tag,
  );
  const digests = new Set(named.map(image => image.digest));
  const [image] = named;
  if (image && digests.size === 1) return image;
  const tags = images.map(each => each.annotations?.[tagAnnotation] ?? each.digest).join(', ');
  throw new Failure(
    tag === undefined
      ? `The OCI layout ${folder} holds several images or none, and no tag says which.`
      : `The OCI layout ${folder} holds no image with the tag ${tag}.`,
    { next: tags === '' ? 'Make the layout again.' : `Name one of: ${tags}.` },
  );
}

async function readManifest(
  folder: string,
  descriptor: Descriptor,
  architecture: string | undefined,
): Promise<unknown> {
  const value = parseJson(
    (await readBlob(folder, descriptor)).toString(),
    `a manifest in ${folder}`,
  );
  if (!isRecord(value) || !('manifests' in value)) return value;
  const fitting = descriptorsOf(value, 'manifests', folder).find(
    ({ platform }) =>
      platform?.os !== 'unknown' && (!architecture || platform?.architecture === architecture),
  );
  if (fitting) return readManifest(folder, fitting, architecture);
  throw malformed(folder, `its index has no image for ${architecture ?? 'any platform'}`);
}

const blobFile = (folder: string, { digest }: Descriptor) =>
  `${folder}/blobs/sha256/${digest.slice('sha256:'.length)}`;

/** A small blob, verified. */
async function readBlob(folder: string, descriptor: Descriptor): Promise<Buffer> {
  const file = blobFile(folder, descriptor);
  const bytes = await readSmallFile(file);
  const seen = digester();
  seen.update(bytes);
  if (seen.digest() !== descriptor.digest) throw mismatch(file, descriptor.digest, seen.digest());
  return bytes;
}
