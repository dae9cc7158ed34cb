import type { BlobResult } from '../image/types.ts';

/** A layer's blob that was pushed before. */
export interface KnownBlob extends BlobResult {
  /** Identity of the content: see `blobKey` and `rootKey` in src/image/keys.ts. */
  key: string;
  mediaType: string;
  /** The store paths that it holds; none for a root layer. */
  paths: readonly string[];
  /** Where the run that made it can be looked up. */
  run?: string;
  /** Repository that holds it, where that is not the image's own. */
  from?: string;
}

/** An output whose closure is known, and the blobs that carried a layer made of it. */
export interface RememberedOutput {
  outPath: string;
  closure: readonly string[];
  blobs: readonly KnownBlob[];
}

/** What was learnt from one image (or from the part of it that was made before a failure). */
export interface RememberedImage {
  /** The manifest's digest; absent where the run did not come that far. */
  digest?: string;
  /**
   * The output that is the image, where it was made by another tool and not from a recipe, and what
   * else its bytes depend on (the wanted media type, labels), as a text to compare.
   */
  target?: { outPath: string; variant: string };
  outputs: readonly RememberedOutput[];
  /** All blobs of the image. */
  blobs: readonly KnownBlob[];
  /** Trees of root outputs, so that the root layer can be made without having them. */
  roots: readonly { outPath: string; tree: unknown }[];
}

/** What a repository remembers, newest image first. */
export interface Memory {
  images: readonly RememberedImage[];
}
