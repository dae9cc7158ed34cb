import type { Stages } from './stages.ts';

/** How layers are compressed; the media type follows from it. */
export type Compression = 'zstd' | 'gzip' | 'none';

/** OCI media types (image-spec, media-types.md). Never Docker's own zstd one. */
export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: {
    none: 'application/vnd.oci.image.layer.v1.tar',
    gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
    zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  },
} as const;

/** An OCI content descriptor (image-spec, descriptor.md). */
export interface Descriptor {
  mediaType: string;
  /** "sha256:" and 64 hex digits. */
  digest: string;
  /** Bytes as stored, so compressed. */
  size: number;
  annotations?: Record<string, string>;
  artifactType?: string;
  platform?: { architecture: string; os: string; variant?: string };
}

/** An OCI image manifest. */
export interface Manifest {
  schemaVersion: 2;
  mediaType: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** A folder of the image that is no link. `mode` is octal text such as "1777". */
export interface ImageDirectory {
  path: string;
  mode: string;
  uid: number;
  gid: number;
}

/** A folder of the image in which trees of the store are merged. */
export interface ImageFolder {
  /** Absolute, outside of /nix. */
  at: string;
  /** The first one wins a file that several have. */
  from: readonly TreePlace[];
}

/** A folder in the store. */
export interface TreePlace {
  /** The store path that it is, or is in. */
  outPath: string;
  /** Where in that, without slashes around; empty: the path itself. */
  below: string;
}

/** The OCI image config's `config` object, with OCI's names (image-spec, config.md). */
export interface ContainerConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  /** Reserved by OCI for what Docker knows. */
  ArgsEscaped?: boolean;
  Memory?: number;
  MemorySwap?: number;
  CpuShares?: number;
  Healthcheck?: Healthcheck;
  /** Docker's alone. */
  Shell?: string[];
  OnBuild?: string[];
  StopTimeout?: number;
  Hostname?: string;
  Domainname?: string;
  NetworkDisabled?: boolean;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  Tty?: boolean;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
}

/** How Docker finds out whether a container is well; times are in nanoseconds. */
export interface Healthcheck {
  /** `[ "NONE" ]`, or "CMD" or "CMD-SHELL" and a command. */
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** What is known of a layer's blob once it was read to its end. */
export interface BlobResult {
  /** Digest and size of the bytes as sent. */
  digest: string;
  size: number;
  /** Digest and size of the uncompressed tar. */
  diffId: string;
  uncompressedSize: number;
}

/**
 * A layer's bytes in one pass: an async iterable of chunks, as they are to be sent; who keeps a chunk
 * when it asks for the next one has to copy it. `result` may be called when the iteration has ended,
 * and throws before that.
 */
export interface BlobStream extends AsyncIterable<Buffer> {
  result(): BlobResult;
  /** Uncompressed bytes read so far; for progress. */
  bytesRead(): number;
  /** How long its stages have taken so far; absent where that is not watched. */
  stages?(): Stages;
}

/**
 * A layer's blob that can be produced, again if need be: a retry opens it from the start and gets the
 * same bytes.
 */
export interface BlobSource {
  mediaType: string;
  /** Size of the uncompressed tar in bytes, where it is known before reading. */
  uncompressedSize?: number;
  /** Known before reading for some sources; then a blob that is present is not read at all. */
  digest?: string;
  /** Bytes as sent; known with the digest. */
  size?: number;
  diffId?: string;
  open(signal?: AbortSignal): BlobStream;
}
