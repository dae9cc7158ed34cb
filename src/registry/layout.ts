import { constants, createReadStream } from 'node:fs';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unreadable } from '../host/document-file.ts';
import { Failure } from '../host/failure.ts';
import { fieldsOf, jsonValue } from '../host/foreign-value.ts';
import type { Host } from '../host/host.ts';
import { once } from '../host/once.ts';
import { writeOutput } from '../host/output-file.ts';
import { partialFile, removeAbandoned, writeFailure } from '../host/partial-files.ts';
import { isReadable, statsAt, unlessMissing } from '../host/presence.ts';
import { eitherSignal } from '../host/signals.ts';
import { digestOf, isDigest, WrongDigest } from '../image/digest.ts';
import { statedMediaType } from '../image/oci/documents.ts';
import { type BlobResult, type BlobSource, type Descriptor, mediaTypes } from '../image/types.ts';
import { findTag, readIndex, setTag } from './layout-index.ts';
import type { ImageStore, PutBlobOptions, StoredManifest } from './store.ts';

/** What a layout says of itself (image-spec, image-layout.md). */
const layoutMarker = '{"imageLayoutVersion":"1.0.0"}';

/**
 * An image store in an OCI image layout folder, made when it is first written to. Blobs appear
 * under their digest when they are complete; tags are entries of index.json. Blobs that no tag
 * needs any more stay.
 * @param interrupt ends a wait for another run that writes to the layout; what must be written after
 *   an interrupt still is, which is why the host's signal may be absent
 */
export function layoutStore(folder: string, host: Host, interrupt?: AbortSignal): ImageStore {
  const prepare = once(() => prepareFolder(folder, host));
  const waiting = () => ({
    ...host,
    signal: host.signal ?? (interrupt?.aborted ? undefined : interrupt),
  });
  return {
    remembers: true,
    takes: isOfOci,
    repository: `oci:${folder}`,
    getManifest: reference => getManifest(folder, reference),
    getBlob: ({ digest }) => readBlob(folder, digest),
    hasBlob: async (digest, size) => {
      const found = await blobSize(folder, digest);
      return found !== undefined && found === (size ?? found);
    },
    openBlob: (descriptor, start) => openBlob(folder, descriptor, start),
    putBlob: async (source, options = {}) => {
      await prepare();
      const signal = eitherSignal(host.signal, options.signal);
      return putBlob(folder, source, { ...options, signal });
    },
    mountBlob: async () => false,
    putBytes: async (bytes, mediaType) => {
      await prepare();
      return putBytes(folder, bytes, mediaType);
    },
    putManifest: async (bytes, mediaType) => {
      await prepare();
      return putBytes(folder, bytes, mediaType);
    },
    putTag: async (tag, manifest) => {
      const host = waiting();
      await prepare();
      const descriptor = await putBytes(folder, manifest.bytes, manifest.mediaType);
      await setTag(folder, tag, describe(descriptor, manifest), host);
    },
    close: async () => undefined,
  };
}

/** Other tools refuse a layout with Docker's own documents in it. */
const isOfOci = (mediaType: string) => !mediaType.startsWith('application/vnd.docker.');

const blobFolder = (folder: string) => join(folder, 'blobs/sha256');

function blobPath(folder: string, digest: string): string {
  if (isDigest(digest)) return join(blobFolder(folder), digest.slice('sha256:'.length));
  throw new Failure(`"${digest}" is not a sha256 digest.`);
}

async function prepareFolder(folder: string, host: Host): Promise<void> {
  const there = await statsAt(folder);
  if (there && !there.isDirectory()) {
    throw new Failure(`oci:${folder} cannot be written: ${folder} is no folder.`, {
      next: 'Name a folder, or a docker-archive: for one file.',
    });
  }
  try {
    // Node says of a read-only file system that a folder is missing, when it makes several
    if (there) await access(folder, constants.W_OK);
    await mkdir(blobFolder(folder), { recursive: true });
    const marker = join(folder, 'oci-layout');
    if (!(await isReadable(marker))) await writeOutput(marker, layoutMarker, host);
  } catch (error) {
    throw writeFailure(error, folder);
  }
  await removeAbandoned(blobFolder(folder));
}

async function getManifest(folder: string, reference: string): Promise<StoredManifest | undefined> {
  const index = await readIndex(folder);
  const entry = isDigest(reference)
    ? index.manifests.find(each => each.digest === reference)
    : findTag(index, reference);
  const digest = entry?.digest ?? reference;
  if (!isDigest(digest)) return undefined;
  const bytes = await readBlob(folder, digest);
  if (!bytes) return undefined;
  return { bytes, mediaType: entry?.mediaType ?? statedMediaType(bytes), digest };
}

async function readBlob(folder: string, digest: string): Promise<Buffer | undefined> {
  const path = blobPath(folder, digest);
  const bytes = await readFile(path)
    .catch(unlessMissing)
    .catch((error: Error) => {
      throw unreadable(path, error);
    });
  if (!bytes || digestOf(bytes) === digest) return bytes;
  throw new WrongDigest(`${path} is damaged: its bytes have the digest ${digestOf(bytes)}.`, {
    next: 'Remove it, and write the image again.',
  });
}

async function* openBlob(folder: string, { digest }: Descriptor, start = 0) {
  const path = blobPath(folder, digest);
  try {
    for await (const chunk of createReadStream(path, { start, highWaterMark: 2 ** 20 })) {
      yield chunk as Buffer;
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw unreadable(path, error);
  }
}

async function blobSize(folder: string, digest: string): Promise<number | undefined> {
  const found = await statsAt(blobPath(folder, digest));
  return found?.isFile() ? found.size : undefined;
}

async function putBlob(
  folder: string,
  source: BlobSource,
  { onProgress, signal }: PutBlobOptions,
): Promise<BlobResult> {
  const { digest, mediaType } = source;
  const plain = mediaType === mediaTypes.layer.none;
  const diffId = source.diffId ?? (plain ? digest : undefined);
  if (digest !== undefined && diffId !== undefined) {
    const size = await blobSize(folder, digest);
    const uncompressedSize = source.uncompressedSize ?? (plain ? (size ?? 0) : 0);
    if (size !== undefined) return { digest, size, diffId, uncompressedSize };
  }
  const stream = source.open(signal);
  await writeBlob(folder, stream, () => stream.result().digest, onProgress);
  return stream.result();
}

async function putBytes(folder: string, bytes: Buffer, mediaType: string): Promise<Descriptor> {
  const digest = digestOf(bytes);
  if ((await blobSize(folder, digest)) !== bytes.length) {
    await writeBlob(folder, [bytes], () => digest);
  }
  return { mediaType, digest, size: bytes.length };
}

/** Writes to a temporary name, and renames when the digest is known. */
async function writeBlob(
  folder: string,
  bytes: AsyncIterable<Buffer> | Iterable<Buffer>,
  digest: () => string,
  onProgress?: (sent: number) => void,
): Promise<void> {
  const blobs = blobFolder(folder);
  const partial = await partialFile(blobs).catch(error => {
    throw writeFailure(error, blobs);
  });
  try {
    const file = await open(partial.path, 'wx');
    try {
      let written = 0;
      for await (const chunk of bytes) {
        await file.writeFile(chunk);
        written += chunk.length;
        onProgress?.(written);
      }
    } finally {
      await file.close();
    }
    await partial.complete(blobPath(folder, digest()));
  } catch (error) {
    await partial.discard();
    throw writeFailure(error, blobs);
  }
}

/** The index's entry for a manifest: an artifact's type is stated there as well. */
function describe(descriptor: Descriptor, { bytes }: StoredManifest): Descriptor {
  const { artifactType } = fieldsOf(jsonValue(bytes.toString()));
  return typeof artifactType === 'string' ? { ...descriptor, artifactType } : descriptor;
}
