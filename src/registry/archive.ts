import type { Writable } from 'node:stream';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { openOutput } from '../host/output-file.ts';
import { eitherSignal } from '../host/signals.ts';
import { lentOutput, type Output } from '../host/stream-output.ts';
import { type InTurn, turns } from '../host/turns.ts';
import { digestOf } from '../image/digest.ts';
import { compressionOfMediaType } from '../image/oci/layer-types.ts';
import { nixDialect, padding, tarHeader } from '../image/tar-header.ts';
import {
  type BlobResult,
  type BlobSource,
  type BlobStream,
  type Descriptor,
  type Manifest,
  mediaTypes,
} from '../image/types.ts';
import type { ImageStore, PutBlobOptions, StoredManifest } from './store.ts';

/** What a docker-archive is made with. */
export interface ArchiveOptions {
  host: Host;
  /** The image's name in `docker images`, without a tag; asked at the end. */
  imageName: () => string;
}

/** The archive as far as it is written. */
interface Archive {
  where: string;
  options: ArchiveOptions;
  /** `signal` ends the wait for a pipe's reader. */
  open(signal?: AbortSignal): Promise<Output>;
  output?: Promise<Output>;
  /** Entries are written one after the other, in the order in which they were asked for. */
  inTurn: InTurn;
  /** The first error; the tar is of no use after it. */
  failed?: unknown;
  layers: Map<string, { entry: string; result: BlobResult }>;
  documents: Map<string, Buffer>;
  manifests: Map<string, Manifest>;
  tags: Map<string, string>;
}

/**
 * An image store that writes a docker-archive, as `docker save` does, for `docker load`:
 * uncompressed layers, streamed one at a time; the image's config and manifest.json last, in
 * `close`. A file appears under its name when it is complete. Nothing can be read back but
 * documents.
 */
export function archiveStore(target: string | Writable, options: ArchiveOptions): ImageStore {
  const toFile = typeof target === 'string';
  const archive: Archive = {
    where: toFile ? `docker-archive:${target}` : 'standard output',
    options,
    open: toFile
      ? signal => openOutput(target, { ...options.host, signal })
      : async () => lentOutput(target, readerGone),
    inTurn: turns(1),
    layers: new Map(),
    documents: new Map(),
    manifests: new Map(),
    tags: new Map(),
  };
  return {
    remembers: false,
    keepsOrder: true,
    takes: mediaType => !unreadable.has(mediaType),
    repository: toFile ? archive.where : '-',
    getManifest: async name => storedManifest(archive, archive.tags.get(name) ?? name),
    getBlob: async ({ digest }) => archive.documents.get(digest),
    hasBlob: async digest => archive.layers.has(digest) || archive.documents.has(digest),
    openBlob: () => {
      throw new Failure(`${archive.where} is being written and cannot be read.`);
    },
    putBlob: (source, put = {}) => unlessBroken(archive, () => writeLayer(archive, source, put)),
    mountBlob: async () => false,
    putBytes: async (bytes, mediaType) => keepDocument(archive, bytes, mediaType),
    putManifest: async (bytes, mediaType) => keepManifest(archive, bytes, mediaType),
    putTag: async (tag, { bytes, mediaType }) => {
      archive.tags.set(tag, keepManifest(archive, bytes, mediaType).digest);
    },
    close: () => archive.inTurn(() => finish(archive)),
  };
}

/** What `docker load` of all versions does not read. */
const unreadable = new Set<string>([
  mediaTypes.layer.gzip,
  mediaTypes.layer.zstd,
  mediaTypes.index,
]);

function storedManifest(archive: Archive, digest: string): StoredManifest | undefined {
  const bytes = archive.manifests.has(digest) ? archive.documents.get(digest) : undefined;
  const mediaType = archive.manifests.get(digest)?.mediaType ?? mediaTypes.manifest;
  return bytes && { bytes, mediaType, digest };
}

function keepDocument(archive: Archive, bytes: Buffer, mediaType: string): Descriptor {
  const digest = digestOf(bytes);
  archive.documents.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

function keepManifest(archive: Archive, bytes: Buffer, mediaType: string): Descriptor {
  const descriptor = keepDocument(archive, bytes, mediaType);
  archive.manifests.set(descriptor.digest, JSON.parse(bytes.toString()) as Manifest);
  return descriptor;
}

/** Waits for the entries before; after an error nothing more is written. */
function unlessBroken<T>(archive: Archive, work: () => Promise<T>): Promise<T> {
  return archive.inTurn(async () => {
    if (archive.failed !== undefined) throw archive.failed;
    try {
      return await work();
    } catch (error) {
      archive.failed = error;
      throw error;
    }
  });
}

/**
 * An entry is named by its place: the digest of a layer is not known when its header is written.
 */
async function writeLayer(
  archive: Archive,
  source: BlobSource,
  { onProgress, signal }: PutBlobOptions,
): Promise<BlobResult> {
  const known = archive.layers.get(source.digest ?? source.diffId ?? '');
  if (known) return known.result;
  const { uncompressedSize: size, mediaType } = source;
  if (compressionOfMediaType(mediaType, archive.where) !== 'none' || size === undefined) {
    throw new TypeError('a layer for a docker-archive has to be uncompressed and of known size');
  }
  const either = eitherSignal(archive.options.host.signal, signal);
  archive.output ??= archive.open(either);
  await archive.output;
  const stream = source.open(either);
  const entry = `layer-${String(archive.layers.size + 1).padStart(3, '0')}.tar`;
  await writeEntry(archive, entry, size, stream, onProgress);
  const result = stream.result();
  archive.layers.set(result.digest, { entry, result });
  return result;
}

async function writeEntry(
  archive: Archive,
  path: string,
  size: number,
  bytes: BlobStream | Iterable<Buffer>,
  onProgress?: (sent: number) => void,
): Promise<void> {
  archive.output ??= archive.open();
  const output = await archive.output;
  await output.write(tarHeader({ type: 'file', path, mode: 0o444, size }, nixDialect));
  let written = 0;
  for await (const chunk of bytes) {
    written += chunk.length;
    if (written > size) break;
    await output.write(chunk);
    onProgress?.(written);
  }
  if (written !== size) throw wrongSize(archive, path, size, written);
  await output.write(Buffer.alloc(padding(size)));
}

function wrongSize({ where }: Archive, path: string, expected: number, found: number): Failure {
  const counted = found > expected ? 'more' : String(found);
  return new Failure(`${where}: ${path} should have ${expected} bytes and has ${counted}.`, {
    next: 'Let nothing write to the store while an image is made, and run it again.',
  });
}

/** Writes what describes the image and ends the tar; without an image, nothing is left behind. */
async function finish(archive: Archive): Promise<void> {
  const images = [...archive.manifests].filter(([, { config }]) => isImageConfig(config));
  if (archive.failed !== undefined || images.length === 0) {
    const output = await archive.output?.catch(() => undefined);
    await output?.discard();
    return;
  }
  try {
    const configs = new Set(images.map(([, { config }]) => config.digest));
    for (const digest of configs) {
      const bytes = document(archive, digest);
      await writeEntry(archive, configEntry(digest), bytes.length, [bytes]);
    }
    const list = images.map(([digest, manifest]) => describe(archive, digest, manifest));
    const manifest = Buffer.from(JSON.stringify(list));
    await writeEntry(archive, 'manifest.json', manifest.length, [manifest]);
    const output = await archive.output;
    await output?.write(Buffer.alloc(1024));
    await output?.complete();
  } catch (error) {
    archive.failed = error;
    const output = await archive.output?.catch(() => undefined);
    await output?.discard();
    throw error;
  }
}

const isImageConfig = ({ mediaType }: Descriptor) =>
  mediaType === mediaTypes.config || mediaType === 'application/vnd.docker.container.image.v1+json';

const configEntry = (digest: string) => `${digest.slice('sha256:'.length)}.json`;

function document({ documents, where }: Archive, digest: string): Buffer {
  const bytes = documents.get(digest);
  if (bytes) return bytes;
  throw new Failure(`${where}: the image config ${digest} was never written.`);
}

/** One image of manifest.json (Docker's "image spec v1.2", the format of `docker save`). */
function describe(archive: Archive, digest: string, manifest: Manifest) {
  const tags = [...archive.tags].filter(([, target]) => target === digest);
  return {
    Config: configEntry(manifest.config.digest),
    RepoTags: tags.map(([tag]) => `${archive.options.imageName()}:${tag}`),
    Layers: manifest.layers.map(layer => {
      const written = archive.layers.get(layer.digest);
      if (written) return written.entry;
      throw new Failure(`${archive.where}: the layer ${layer.digest} was never written.`);
    }),
  };
}

/** A reader of standard output may go away at any time. */
const readerGone = (error: unknown) =>
  new Failure('The program that reads the image from standard output ended before all of it.', {
    next: 'See its own messages; `docker load` needs a running Docker daemon.',
    cause: error,
  });
