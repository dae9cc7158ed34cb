import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
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
import { fileBytes, fileSize, readDocument } from './file-bytes.ts';
import { fittingEntry, type IndexEntry, readIndex, readManifest } from './oci-documents.ts';
import type { SourceFiles } from './source-files.ts';
import {
  checkedSource,
  diffIdsOf,
  fixedConfig,
  malformed,
  parseJson,
  type SourceImage,
} from './source-image.ts';

const compressions: ReadonlyMap<string, Compression> = new Map([
  [mediaTypes.layer.none, 'none'],
  [mediaTypes.layer.gzip, 'gzip'],
  [mediaTypes.layer.zstd, 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
]);

/** Compression by a layer's media type, Docker's own names included. */
export function compressionOfMediaType(mediaType: string, name: string): Compression {
  const compression = compressions.get(mediaType);
  if (compression) return compression;
  throw new Failure(
    `${visible(name)} has a layer of the unknown media type ${visible(mediaType)}.`,
    {
      tried: `Known are: ${[...compressions.keys()].join(', ')}.`,
      next: 'Convert the image with another tool, such as skopeo copy.',
    },
  );
}

/**
 * An image of an OCI layout folder (image-spec, image-layout.md), its layers as they are stored;
 * they are unpacked only where the packing is none.
 *
 * @param tag the image's name in the layout; not needed where there is only one image
 * @param architecture chooses the manifest where the image is an index
 */
export async function ociLayout(
  files: SourceFiles,
  packing: Packing,
  { tag, architecture }: { tag?: string; architecture?: string } = {},
): Promise<SourceImage> {
  const folder = files.named;
  const index = `${folder}/index.json`;
  const entries = readIndex((await readDocument(files, index)).toString(), index);
  const chosen = chooseImage(entries, tag, folder);
  const { config, layers } = await findManifest(files, chosen, architecture);
  const configBytes = await readBlob(files, config);
  const diffIds = diffIdsOf(parseJson(configBytes.toString(), `the config in ${folder}`), folder);
  if (layers.length !== diffIds.length) {
    throw malformed(folder, `it has ${layers.length} layers and ${diffIds.length} diffIDs`);
  }
  return {
    description: `OCI layout ${folder}`,
    layers: layers.map((descriptor, at) => ({
      name: `layer ${at + 1}`,
      source: layoutBlob(files, descriptor, diffIds[at] ?? '', packing),
    })),
    config: fixedConfig(configBytes, diffIds, folder),
    repoTags: [],
    sequential: false,
    close: async () => undefined,
  };
}

function layoutBlob(files: SourceFiles, descriptor: Descriptor, diffId: string, packing: Packing) {
  const file = blobFile(files, descriptor);
  const compression = compressionOfMediaType(descriptor.mediaType, file);
  if (packing.compression !== 'none' || compression === 'none') {
    return storedBlob(files, descriptor, diffId, compression);
  }
  const stored = () => verified(fileBytes(files, file), descriptor.digest, file);
  const open = () => bytesOf(decompress(stored(), compression, file));
  return checkedSource(packedBlobSource(open, packing, { diffId }), file);
}

/**
 * A blob in a file that is sent as it is. Before its last piece it is decompressed as well, to
 * verify the diffID beside the digest: a blob that is wrong is never finished.
 */
function storedBlob(
  files: SourceFiles,
  descriptor: Descriptor,
  diffId: string,
  compression: Compression,
): BlobSource {
  return {
    mediaType: mediaTypes.layer[compression],
    digest: descriptor.digest,
    size: descriptor.size,
    diffId,
    ...(compression === 'none' ? { uncompressedSize: descriptor.size } : {}),
    open: signal => storedStream(files, descriptor, diffId, compression, signal),
  };
}

function storedStream(
  files: SourceFiles,
  descriptor: Descriptor,
  diffId: string,
  compression: Compression,
  signal: AbortSignal | undefined,
): BlobStream {
  const file = blobFile(files, descriptor);
  const { size, digest } = descriptor;
  const stored = digester();
  const uncompressed = digester();
  let ended = false;

  const verify = async () => {
    const content = decompress(fileBytes(files, file), compression, file);
    for await (const chunk of content) uncompressed.update(chunk);
    if (stored.digest() !== digest) throw mismatch(file, digest, stored.digest());
    if (uncompressed.digest() !== diffId) throw mismatch(file, diffId, uncompressed.digest());
    ended = true;
  };

  async function* pieces(): AsyncGenerator<Buffer> {
    await checkSize(files, descriptor);
    for await (const piece of fileBytes(files, file)) {
      signal?.throwIfAborted();
      if (ended) throw mismatch(file, `${size} bytes`, 'more');
      stored.update(piece);
      if (stored.size() >= size) await verify();
      yield piece;
    }
    if (!ended) await verify(); // an empty blob has no piece
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

function chooseImage(
  images: readonly IndexEntry[],
  tag: string | undefined,
  folder: string,
): Descriptor {
  const named = images.filter(image => tag === undefined || image.tag === tag);
  const digests = new Set(named.map(image => image.descriptor.digest));
  const [image] = named;
  if (image && digests.size === 1) return image.descriptor;
  const shown = images.slice(0, shownTags).map(each => visible(each.tag ?? each.descriptor.digest));
  const more = images.length > shownTags ? ` and ${images.length - shownTags} more` : '';
  throw new Failure(
    tag === undefined
      ? `The OCI layout ${visible(folder)} holds several images or none, and no tag says which.`
      : `The OCI layout ${visible(folder)} holds no image with the tag ${visible(tag)}.`,
    {
      next:
        shown.length === 0 ? 'Make the layout again.' : `Name one of: ${shown.join(', ')}${more}.`,
    },
  );
}

/** As many names as help in a message. */
const shownTags = 20;

/** The manifest that a descriptor leads to, through the indexes that it may name. */
async function findManifest(
  files: SourceFiles,
  chosen: Descriptor,
  architecture: string | undefined,
): Promise<{ config: Descriptor; layers: Descriptor[] }> {
  let descriptor = chosen;
  for (let depth = 0; depth <= limits.nestedIndexes; depth += 1) {
    const name = blobFile(files, descriptor);
    const found = readManifest((await readBlob(files, descriptor)).toString(), name);
    if (found.kind === 'manifest') return found;
    descriptor = fittingEntry(found.entries, architecture, name);
  }
  throw malformed(files.named, `more than ${limits.nestedIndexes} indexes lie within each other`);
}

const blobFile = ({ named }: SourceFiles, { digest }: Descriptor) =>
  `${named}/blobs/sha256/${digest.slice('sha256:'.length)}`;

/** A small blob, verified. */
async function readBlob(files: SourceFiles, descriptor: Descriptor): Promise<Buffer> {
  const file = blobFile(files, descriptor);
  await checkSize(files, descriptor);
  const bytes = await readDocument(files, file);
  const seen = digester();
  seen.update(bytes);
  if (seen.digest() !== descriptor.digest) throw mismatch(file, descriptor.digest, seen.digest());
  return bytes;
}

async function checkSize(files: SourceFiles, descriptor: Descriptor): Promise<void> {
  const file = blobFile(files, descriptor);
  const found = await fileSize(files, file);
  const { size } = descriptor;
  if (found !== size) throw mismatch(file, `${size} bytes`, `${found} bytes`);
}
