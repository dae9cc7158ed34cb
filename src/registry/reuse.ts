import type { Transfer } from '../host/events.ts';
import type { KnownBlob, Memory } from './memory.ts';
import type { ImageStore } from './store.ts';

/** What memories know, arranged for asking. */
export interface Knowledge {
  closureOf(outPath: string): readonly string[] | undefined;
  /** The tree of a root output, as it was remembered. */
  rootTreeOf(outPath: string): unknown;
  /** The blob with this very key. */
  blobWithKey(key: string): KnownBlob | undefined;
  /** The blob of this uncompressed content. */
  blobWithDiffId(diffId: string): KnownBlob | undefined;
  blobWithDigest(digest: string): KnownBlob | undefined;
  /** Digest of the manifest that was pushed for an output that is an image by itself. */
  manifestOf(outPath: string, variant: string): string | undefined;
  /** The sets of blobs that carried a layer of this output, newest first; they may hold more. */
  carriersOf(outPath: string): readonly (readonly KnownBlob[])[];
}

/** Arranges memories, the image's own first; only blobs of the wanted media type are of use. */
export function arrangeKnowledge(memories: readonly Memory[], mediaType: string): Knowledge {
  const closures = new Map<string, readonly string[]>();
  const carriers = new Map<string, (readonly KnownBlob[])[]>();
  const byKey = new Map<string, KnownBlob>();
  const byDigest = new Map<string, KnownBlob>();
  const byDiffId = new Map<string, KnownBlob>();
  const manifests = new Map<string, string>();
  const trees = new Map<string, unknown>();
  const usable = (blob: KnownBlob) => blob.mediaType === mediaType;
  for (const image of memories.flatMap(memory => memory.images)) {
    for (const { outPath, closure, blobs } of image.outputs) {
      if (!closures.has(outPath)) closures.set(outPath, closure);
      if (blobs.length === 0 || !blobs.every(usable)) continue;
      carriers.set(outPath, [...(carriers.get(outPath) ?? []), blobs]);
    }
    for (const blob of image.blobs) {
      if (!byDigest.has(blob.digest)) byDigest.set(blob.digest, blob);
    }
    for (const blob of image.blobs.filter(usable)) {
      if (!byKey.has(blob.key)) byKey.set(blob.key, blob);
      if (!byDiffId.has(blob.diffId)) byDiffId.set(blob.diffId, blob);
    }
    const { target, digest } = image;
    const name = target && targetName(target.outPath, target.variant);
    if (name !== undefined && digest !== undefined && !manifests.has(name)) {
      manifests.set(name, digest);
    }
    for (const { outPath, tree } of image.roots) {
      if (!trees.has(outPath)) trees.set(outPath, tree);
    }
  }
  return {
    closureOf: outPath => closures.get(outPath),
    rootTreeOf: outPath => trees.get(outPath),
    blobWithKey: key => byKey.get(key),
    blobWithDigest: digest => byDigest.get(digest),
    blobWithDiffId: diffId => byDiffId.get(diffId),
    manifestOf: (outPath, variant) => manifests.get(targetName(outPath, variant)),
    carriersOf: outPath => carriers.get(outPath) ?? [],
  };
}

const targetName = (outPath: string, variant: string) => `${outPath} ${variant}`;

/** Says how a known blob can be had in the image's repository: it is there, was mounted, or is gone. */
export type Presence = (blob: KnownBlob) => Promise<Exclude<Transfer, 'uploaded'> | undefined>;

/** Asks the store about each blob once, whatever number of layers want it. */
export function presenceIn(store: ImageStore): Presence {
  const asked = new Map<string, ReturnType<Presence>>();
  const ask: Presence = async blob => {
    if (await store.hasBlob(blob.digest)) return 'present';
    if (blob.from === undefined) return undefined;
    return (await store.mountBlob(blob.digest, blob.from)) ? 'mounted' : undefined;
  };
  return blob => {
    const answer = asked.get(blob.digest) ?? ask(blob);
    asked.set(blob.digest, answer);
    return answer;
  };
}
