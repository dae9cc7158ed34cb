import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { fieldsOf } from '../../host/foreign-value.ts';
import { limits } from '../../host/limits.ts';
import { digestOf } from '../../image/digest.ts';
import { type Descriptor, type Manifest, mediaTypes } from '../../image/types.ts';
import type { Memory } from '../remembered.ts';
import { memoryFormat } from './document.ts';
import { knownBlobs } from './merge.ts';

/** Media types of the artifact that holds the memory (image-spec, "Guidance for Artifacts"). */
const artifactType = `application/vnd.comfy-nix.memory.v${memoryFormat}`;
const documentType = `${artifactType}.document+json+zstd`;
export const derivationsType = 'application/vnd.comfy-nix.derivations.v1+json+zstd';
export const recordType = 'application/vnd.comfy-nix.record.v1+json+zstd';

/** Tells a memory that is put as an image. */
const formatAnnotation = 'comfy-nix.memory.format';

/**
 * How a memory looks to a registry: an artifact or, where that is refused, an image, whose layers are
 * the same. Some registries have lists of the types that they take.
 */
export type Shape = 'artifact' | 'image';

/** What a memory's manifest is made of. */
export interface MemoryParts {
  /** The document, compressed. */
  document: Descriptor & { diffId: string };
  memory: Memory;
  /** OCI's name. */
  architecture: string;
}

/** What a memory keeps beside its document, in the order of the manifest. */
export const documentsBeside = ({ records = [], derivations = [] }: Memory) => [
  ...records,
  ...derivations,
];

/** The config that a manifest of this shape has, as bytes and as a descriptor. */
export function memoryConfig(shape: Shape, { document, memory, architecture }: MemoryParts) {
  const diffIds = [
    document.diffId,
    ...documentsBeside(memory).map(({ diffId }) => diffId),
    ...knownBlobs(memory).map(({ diffId }) => diffId),
  ];
  const rootfs = { type: 'layers', diff_ids: diffIds };
  const config =
    shape === 'artifact'
      ? { format: memoryFormat }
      : { architecture, os: 'linux', config: {}, rootfs };
  const bytes = Buffer.from(JSON.stringify(config));
  return { bytes, mediaType: shape === 'artifact' ? `${artifactType}+json` : mediaTypes.config };
}

/** The manifest: the document is its first layer, the others are what the registry is to keep for it. */
export function memoryManifest(
  shape: Shape,
  config: Descriptor,
  { document, memory }: MemoryParts,
): Buffer {
  const typeOf = (mediaType: string) => (shape === 'artifact' ? mediaType : mediaTypes.layer.zstd);
  const { digest, size } = document;
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(shape === 'artifact' ? { artifactType } : {}),
    config,
    layers: [
      { mediaType: typeOf(documentType), digest, size },
      ...documentsBeside(memory).map(each => ({
        mediaType: typeOf(each.mediaType),
        digest: each.digest,
        size: each.size,
      })),
      ...knownBlobs(memory).map(each => ({
        mediaType: each.mediaType,
        digest: each.digest,
        size: each.size,
      })),
    ],
    annotations: { [formatAnnotation]: String(memoryFormat) },
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** The format of the memory that a manifest is of; undefined where it is of none. */
export function formatOf({ config, annotations }: Manifest): number | undefined {
  const typed = /^application\/vnd\.comfy-nix\.memory\.v(\d{1,6})\+json$/.exec(config.mediaType);
  if (typed) return Number(typed[1]);
  const stated = fieldsOf(annotations)[formatAnnotation];
  const isImage = config.mediaType === mediaTypes.config;
  return isImage && typeof stated === 'string' && /^\d{1,6}$/.test(stated)
    ? Number(stated)
    : undefined;
}

/** A document as it is stored: bytes, their descriptor, and what they unpack to. */
export async function packed(plain: Buffer, mediaType: string) {
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  const bytes = await promisify(zstdCompress)(plain, { params });
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { bytes, descriptor: { ...descriptor, diffId: digestOf(plain) } };
}

/** The document, compressed as a layer. */
export const packedDocument = (document: Buffer) => packed(document, documentType);

/** What a stored document says; undefined where it is none, or larger than one can be. */
export async function unpacked(
  bytes: Buffer,
  maxOutputLength = limits.memory,
): Promise<Buffer | undefined> {
  try {
    return await promisify(zstdDecompress)(bytes, { maxOutputLength });
  } catch {
    return undefined;
  }
}
