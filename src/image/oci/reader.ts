import type { Descriptor } from '../types.ts';

/** A manifest as stored: its bytes are never re-serialised, since the digest is of the bytes. */
export interface StoredManifest {
  bytes: Buffer;
  mediaType: string;
  digest: string;
}

/** A repository of a registry: "ghcr.io" and "o/comfyui". */
export interface RegistryPlace {
  registry: string;
  repository: string;
}

/**
 * Where images are read from: a repository of a registry, an OCI layout in a folder or in an archive.
 * Every operation rejects with a `Failure` that names the place and what to check.
 */
export interface ImageReader {
  /** As shown to people and in the record: "ghcr.io/o/comfyui", "oci:build/demo-image". */
  readonly repository: string;
  /** Where in which registry it is; absent for what is on this machine. */
  readonly place?: RegistryPlace;
  /** By tag or digest; undefined when there is none. The digest is verified when asked by digest. */
  getManifest(reference: string): Promise<StoredManifest | undefined>;
  /** What refers to a manifest; undefined, or absent, where no list is kept of it. */
  referrersOf?(digest: string): Promise<readonly Descriptor[] | undefined>;
  /** A small blob whole, verified; undefined when there is none. */
  getBlob(descriptor: Descriptor): Promise<Buffer | undefined>;
  /** A stored blob from `start` on (bytes), for reading images; not verified here. */
  openBlob(descriptor: Descriptor, start?: number): AsyncIterable<Buffer>;
}
