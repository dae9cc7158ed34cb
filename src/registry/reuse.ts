import type { KnownBlob, Memory } from './memory.ts';

/** What memories know, arranged for asking. */
export interface Knowledge {
  closureOf(outPath: string): readonly string[] | undefined;
  rootTreeOf(outPath: string): unknown;
  /**
   * Blobs that together hold every path of `needed`, found by key or as the ones that carried the
   * output before (they may hold more). Undefined when there are none.
   */
  blobsFor(
    outPath: string,
    needed: ReadonlySet<string>,
    key: string,
  ): readonly KnownBlob[] | undefined;
  /** The blob with this very key. */
  blobWithKey(key: string): KnownBlob | undefined;
}

/**
 * Arranges memories, the image's own first. `usable` says which blobs may be relied on: of the wanted
 * media type, and there when asked just now.
 */
export function arrangeKnowledge(
  memories: readonly Memory[],
  usable: (blob: KnownBlob) => boolean,
): Knowledge {
  const images = memories.flatMap(memory => memory.images);
  const closures = new Map<string, readonly string[]>();
  const carriers = new Map<string, (readonly KnownBlob[])[]>();
  const byKey = new Map<string, KnownBlob>();
  const trees = new Map<string, unknown>();
  for (const image of images) {
    for (const { outPath, closure, blobs } of image.outputs) {
      if (!closures.has(outPath)) closures.set(outPath, closure);
      if (blobs.length === 0 || !blobs.every(usable)) continue;
      carriers.set(outPath, [...(carriers.get(outPath) ?? []), blobs]);
    }
    for (const blob of image.blobs) {
      if (!byKey.has(blob.key) && usable(blob)) byKey.set(blob.key, blob);
    }
    for (const { outPath, tree } of image.roots) {
      if (!trees.has(outPath)) trees.set(outPath, tree);
    }
  }
  return {
    closureOf: outPath => closures.get(outPath),
    rootTreeOf: outPath => trees.get(outPath),
    blobWithKey: key => byKey.get(key),
    blobsFor: (outPath, needed, key) => {
      const exact = byKey.get(key);
      if (exact) return [exact];
      return carriers.get(outPath)?.find(blobs => needed.isSubsetOf(pathsOf(blobs)));
    },
  };
}

/** All store paths that the blobs hold. */
export function pathsOf(blobs: readonly KnownBlob[]): Set<string> {
  return new Set(blobs.flatMap(blob => blob.paths));
}
