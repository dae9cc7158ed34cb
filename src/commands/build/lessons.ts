import type { RootTree } from '../../image/root-layer.ts';
import type { PathRow } from '../../registry/memory/rows.ts';
import type { ImageOrigin, KnownBlob, RememberedImage } from '../../registry/remembered.ts';

/** An output of the image, all that it reaches, and the blobs that carry it: none where a layer below does. */
interface LearntOutput {
  outPath: string;
  closure: readonly string[];
  blobs: readonly KnownBlob[];
}

/** What a run learns, piece by piece, so that a failure loses nothing that was done before it. */
export interface Lessons {
  /** A layer's output with its closure and the blobs that carry it. */
  layer(output: LearntOutput): void;
  /** An output of which only the closure matters. */
  closure(outPath: string, closure: readonly string[]): void;
  blob(blob: KnownBlob): void;
  rootTree(outPath: string, tree: RootTree): void;
  /** The tree of a root output, if this run has seen it. */
  rootTreeOf(outPath: string): RootTree | undefined;
  /** All closures that were learnt. */
  closures(): readonly (readonly string[])[];
  /** All of it, for an image that may not be whole; undefined when nothing was learnt. */
  soFar(): RememberedImage | undefined;
}

/** What a run knows besides. */
interface Taught {
  /** What an output refers to; one of which nobody knows that is not remembered. */
  rowOf(outPath: string): PathRow | undefined;
  /** What the image is made from, as far as it is known when it is asked for. */
  origin(): ImageOrigin;
}

/** Starts with nothing learnt. */
export function startLessons({ rowOf, origin }: Taught): Lessons {
  const outputs = new Map<string, LearntOutput>();
  const blobs = new Map<string, KnownBlob>();
  const roots = new Map<string, RootTree>();
  const keep = ({ from: _, ...blob }: KnownBlob) => {
    blobs.set(blob.digest, blob);
    return blob;
  };
  return {
    layer: output => {
      const carriers = output.blobs.map(keep);
      // a target that is in two layers is carried by the first: the second one is empty
      const before = outputs.get(output.outPath)?.blobs ?? [];
      const blobs = carriers.length > 0 ? carriers : before;
      outputs.set(output.outPath, { ...output, blobs });
    },
    closure: (outPath, closure) => {
      if (!outputs.has(outPath)) outputs.set(outPath, { outPath, closure, blobs: [] });
    },
    blob: keep,
    rootTree: (outPath, tree) => roots.set(outPath, tree),
    rootTreeOf: outPath => roots.get(outPath),
    closures: () => [...outputs.values()].map(output => output.closure),
    soFar: () => {
      if (blobs.size === 0) return undefined;
      return {
        ...origin(),
        outputs: byName(outputs).flatMap(([outPath, output]) => {
          const row = rowOf(outPath);
          return row ? [{ outPath, row, blobs: output.blobs }] : [];
        }),
        blobs: byName(blobs).map(([, blob]) => blob),
        roots: byName(roots).map(([outPath, tree]) => ({ outPath, tree })),
      };
    },
  };
}

/** In a fixed order, whatever was finished first: the same image is then remembered the same way. */
function byName<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([one], [other]) => (one < other ? -1 : 1));
}
