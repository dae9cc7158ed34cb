import type { ImageReader, StoredManifest } from '../image/oci/reader.ts';
import type { BlobResult, BlobSource, Descriptor } from '../image/types.ts';

export type { StoredManifest } from '../image/oci/reader.ts';

/** Options of {@link ImageStore.putBlob}. */
export interface PutBlobOptions {
  /** Called now and then with the bytes sent so far; starts at 0 again when a transfer starts over. */
  onProgress?: (sent: number) => void;
  signal?: AbortSignal | undefined;
}

/** Options of {@link ImageStore.putManifest}. */
export interface PutManifestOptions {
  /** True: it may well be refused, with a fault too, and is then not sent again and again. */
  mayBeRefused?: boolean;
  /** True: it is needed by its digest, as no tag comes to it. */
  untagged?: boolean;
}

/**
 * Where an image is written to and read from: a registry repository, an OCI layout folder or a
 * docker-archive. Every operation rejects with a `Failure` that names the repository and what to check.
 */
export interface ImageStore extends ImageReader {
  /** Whether a memory can be kept in it, and read again. */
  readonly remembers: boolean;
  /** Whether its bytes depend on the order in which layers are put; absent where they do not. */
  readonly keepsOrder?: true;
  /** Whether it can hold a manifest or a layer of this media type as it is. */
  takes(mediaType: string): boolean;
  /** Connects and logs in, ahead of the first operation; absent where there is nothing to log in to. */
  logIn?(): Promise<void>;
  /** Rejects where this login may not write, before there is anything to write; absent as `logIn` is. */
  checkWrite?(): Promise<void>;
  /** Whether the blob is there (HEAD); where `size` is given and a size is known, whether it is that. */
  hasBlob(digest: string, size?: number): Promise<boolean>;
  /** Streams a layer in. Starts over or resumes by itself after a broken connection. */
  putBlob(source: BlobSource, options?: PutBlobOptions): Promise<BlobResult>;
  /** Makes a blob of another repository of the same registry known here; false when that cannot be done. */
  mountBlob(digest: string, repository: string): Promise<boolean>;
  /** Stores a small blob (a config); does nothing when it is there. `isNew`: it cannot be, as far as is known. */
  putBytes(bytes: Buffer, mediaType: string, options?: { isNew?: boolean }): Promise<Descriptor>;
  /**
   * Stores a manifest by digest alone; no tag moves. A registry that keeps manifests by tags has it only
   * when the first tag is put.
   */
  putManifest(bytes: Buffer, mediaType: string, options?: PutManifestOptions): Promise<Descriptor>;
  /** Points a tag at a manifest that was put; the last thing that is done to an image. */
  putTag(tag: string, manifest: StoredManifest): Promise<void>;
  /** The tags that begin with this text, of a repository whose tags can be asked for. */
  tagsWith?(start: string): Promise<readonly string[]>;
  /** Finishes what is pending (a docker-archive's end) and closes connections. */
  close(): Promise<void>;
}
