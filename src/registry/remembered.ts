import type { BlobResult, ImageDirectory, ImageFolder } from '../image/types.ts';
import type { PathRow, WithMore } from './memory/rows.ts';

/** A layer's blob that was pushed before. */
export interface KnownBlob extends BlobResult, WithMore {
  /**
   * What the key is made of: the store paths; root outputs and folders; store paths as another tool orders
   * them; or nothing but the content. A newer program may know more kinds.
   */
  kind?: 'store' | 'root' | 'streamed' | 'content' | (string & {});
  /** Identity of the content: see src/image/keys.ts; a layer of another tool may have its diffID here. */
  key: string;
  mediaType: string;
  /** The store paths that it holds; none for a root layer. */
  paths: readonly string[];
  /** Output paths and folders that a root layer's key is made of. */
  roots?: readonly string[];
  folders?: readonly ImageFolder[];
  directories?: readonly ImageDirectory[];
  /** Where the run that made it can be looked up. */
  run?: string;
  /** Repository of the same registry that holds it, where that is not the image's own. */
  from?: string;
}

/** An output with what it refers to, and the blobs that carried a layer made of it. */
export interface RememberedOutput extends WithMore {
  outPath: string;
  row: PathRow;
  blobs: readonly KnownBlob[];
}

/** What an image was made from and for; absent is what its run did not know. */
export interface ImageOrigin {
  /** With `tree` it is what git says; without, what the workflow says. */
  commit?: string;
  /** The flake's folder in its repository. */
  dir?: string;
  attribute?: string;
  /** Git's hash of the tree of the repository's root, of which no file was changed. */
  tree?: string;
  /** Whether the derivation was the same where the flake did not know its commit. */
  withoutCommit?: boolean;
  /** Nix's name. */
  system?: string;
  /** The version of Nix that was asked for. */
  nix?: string;
  /** Whether all inputs of the flake were locked. */
  locked?: boolean;
  /** Settings that decide bytes, by name. */
  settings?: Readonly<Record<string, unknown>>;
  variant?: string;
  branch?: string;
  event?: string;
  /** What is known of its tests. */
  tested?: unknown;
}

/** What was learnt from one image (or from the part of it that was made before a failure). */
export interface RememberedImage extends ImageOrigin, WithMore {
  /** The manifest's digest; absent where the run did not come that far. */
  digest?: string;
  /** What that manifest names as its config. */
  config?: { digest: string; size: number };
  /**
   * The output that is the image, where it was made by another tool and not from a recipe, and what
   * else its bytes depend on (the wanted media type, labels), as a text to compare.
   */
  target?: { outPath: string; variant: string };
  outputs: readonly RememberedOutput[];
  /** All blobs of the image. */
  blobs: readonly KnownBlob[];
  /** Trees of what the root layer is made of, so that it can be made without having them. */
  roots: readonly ({ outPath: string; tree: unknown } & WithMore)[];
}

/** A document that is kept beside the memory, such as the record of a run. */
export interface RememberedRecord extends WithMore {
  mediaType: string;
  digest: string;
  size: number;
  /** Digest of what it unpacks to. */
  diffId: string;
  /** Where the run can be looked up. */
  run?: string;
  /** Branch of the run, and attribute of the flake that it built. */
  branch?: string;
  attribute?: string;
  /** The manifest's digest of its image; absent where it has failed. */
  image?: string;
}

/** What a repository remembers, newest first. */
export interface Memory extends WithMore {
  images: readonly RememberedImage[];
  records?: readonly RememberedRecord[];
  /** What is kept of the derivations of the newest images, to be compared with. */
  derivations?: readonly RememberedRecord[];
}
