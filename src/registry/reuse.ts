import type { Transfer } from '../host/events.ts';
import type { Evidence, StatedImage } from './evidence.ts';
import { hasItsKey } from './memory/checks.ts';
import { closureOfRow, type PathRow, type SizedRow, sizedClosureOfRow } from './memory/rows.ts';
import type { KnownBlob, Memory, RememberedImage } from './remembered.ts';
import type { ImageStore } from './store.ts';

/** A memory, and what the place that it is kept in can tell of what it says. */
export interface RememberedPlace {
  memory: Memory;
  evidence: Evidence;
}

/** An image that is remembered, and who can tell of it. */
export interface KnownImage extends RememberedImage {
  evidence: Evidence;
}

/** What memories know, arranged for asking. */
export interface Knowledge {
  /** The store paths that an output reaches, walked when it is asked for. */
  closureOf(outPath: string): readonly string[] | undefined;
  /** The same with what refers to what. */
  rowOf(outPath: string): PathRow | undefined;
  /** The same with sizes, as far as they are remembered. */
  sizedClosureOf(outPath: string): readonly SizedRow[] | undefined;
  /** The blob with this very key, which is made of what it holds. */
  blobWithKey(key: string): KnownBlob | undefined;
  /** The blob of this uncompressed content. */
  blobWithDiffId(diffId: string): KnownBlob | undefined;
  /**
   * The image that was pushed for an output that is an image by itself, as its store has it, and its
   * layers' blobs; undefined where they are not those that are remembered of it.
   */
  imageOf(outPath: string, variant: string): Promise<WholeImage | undefined>;
  /** The sets of blobs that carried a layer of this output, newest first; they may hold more. */
  carriersOf(outPath: string): readonly (readonly KnownBlob[])[];
  /** All images, newest first. */
  images: readonly KnownImage[];
  /**
   * Whether a blob's key is made of what it holds, and digest, size, media type and diffID belong together:
   * an image says so that has it, its manifest and config being there; where no image with it is, the blob
   * itself is read.
   */
  isTrue(blob: KnownBlob): Promise<boolean>;
}

/** An image that another tool made, as it is remembered. */
interface WholeImage {
  image: StatedImage;
  /** Of its layers, in their order. */
  blobs: readonly KnownBlob[];
}

/** Arranges memories, the image's own first; only blobs of the wanted media type are of use. */
export function arrangeKnowledge(places: readonly RememberedPlace[], mediaType: string): Knowledge {
  const rows = new Map<string, PathRow>();
  const closures = new Map<string, readonly string[] | undefined>();
  const carriers = new Map<string, (readonly KnownBlob[])[]>();
  const byKey = new Map<string, KnownBlob[]>();
  const byDiffId = new Map<string, KnownBlob>();
  const targets = new Map<string, KnownImage>();
  const usable = (blob: KnownBlob) => blob.mediaType === mediaType;
  const images = places.flatMap(({ memory, evidence }) =>
    memory.images.map((image): KnownImage => ({ ...image, evidence })),
  );
  for (const image of images) {
    for (const { outPath, row, blobs } of image.outputs) {
      if (!rows.has(outPath)) rows.set(outPath, row);
      if (blobs.length === 0 || !blobs.every(usable)) continue;
      const known = carriers.get(outPath) ?? [];
      known.push(blobs);
      carriers.set(outPath, known);
    }
    for (const blob of image.blobs.filter(usable)) {
      const same = byKey.get(blob.key);
      if (same) same.push(blob);
      else byKey.set(blob.key, [blob]);
      if (!byDiffId.has(blob.diffId)) byDiffId.set(blob.diffId, blob);
    }
    const { target, digest } = image;
    const name = target && targetName(target.outPath, target.variant);
    if (name !== undefined && digest !== undefined && !targets.has(name)) targets.set(name, image);
  }
  const closureOf = (outPath: string) => {
    const row = rows.get(outPath);
    if (row && !closures.has(outPath)) closures.set(outPath, closureOfRow(row));
    return closures.get(outPath);
  };
  return {
    closureOf,
    rowOf: outPath => rows.get(outPath),
    sizedClosureOf: outPath => {
      const row = rows.get(outPath);
      return row && sizedClosureOfRow(row);
    },
    blobWithKey: key => byKey.get(key)?.find(hasItsKey),
    blobWithDiffId: diffId => byDiffId.get(diffId),
    imageOf: async (outPath, variant) => {
      const image = targets.get(targetName(outPath, variant));
      return image && wholeImage(image);
    },
    carriersOf: outPath => carriers.get(outPath) ?? [],
    images,
    isTrue: async blob => hasItsKey(blob) && (await isTrue(blob, images)),
  };
}

/** The image that a target's own is said to be: each of its layers must be known, in whatever order. */
async function wholeImage({ digest = '', blobs, evidence }: KnownImage) {
  const image = await evidence.image(digest);
  const layers = image?.layers.map(layer => blobs.find(blob => isLayer(layer, blob)));
  if (!image || !layers?.every(layer => layer !== undefined)) return undefined;
  return { image, blobs: layers };
}

const isLayer = (layer: StatedImage['layers'][number], blob: KnownBlob) =>
  layer.digest === blob.digest && layer.diffId === blob.diffId && layer.size === blob.size;

async function isTrue(blob: KnownBlob, images: readonly KnownImage[]): Promise<boolean> {
  const having = images.filter(image => image.blobs.some(each => each.digest === blob.digest));
  for (const { evidence, digest } of having) {
    if (digest !== undefined && (await evidence.isStated(blob, digest))) return true;
  }
  const stated = await Promise.all(
    having.map(({ evidence, digest }) =>
      digest === undefined ? undefined : evidence.image(digest),
    ),
  );
  // who is contradicted by an image does not get a hearing
  if (stated.some(image => image !== undefined)) return false;
  return (await having[0]?.evidence.isContent(blob)) ?? false;
}

const targetName = (outPath: string, variant: string) => `${outPath} ${variant}`;

/** Says how a known blob can be had in the image's repository: it is there, was mounted, or is gone. */
export type Presence = (blob: KnownBlob) => Promise<Exclude<Transfer, 'uploaded'> | undefined>;

const untrue = (digest: string) =>
  `What is remembered of the blob ${digest} is not so: its layer is made anew. The same is done with others that are not as they are remembered.`;

/**
 * Asks the store about each blob once, whatever number of layers want it. A blob of which something
 * untrue is remembered counts as gone; the first one of those is told, as a sentence.
 */
export function presenceIn(
  store: ImageStore,
  { isTrue }: Pick<Knowledge, 'isTrue'>,
  tell: (message: string) => void = () => {},
): Presence {
  const asked = new Map<string, ReturnType<Presence>>();
  let isTold = false;
  const doubt = ({ digest }: KnownBlob) => {
    if (!isTold) tell(untrue(digest));
    isTold = true;
    return undefined;
  };
  const ask: Presence = async blob => {
    const isThere = await store.hasBlob(blob.digest, blob.size);
    if (!isThere && blob.from === undefined) {
      return (await store.hasBlob(blob.digest)) ? doubt(blob) : undefined;
    }
    if (!(await isTrue(blob))) return doubt(blob);
    if (isThere || blob.from === undefined) return 'present';
    return (await store.mountBlob(blob.digest, blob.from)) ? 'mounted' : undefined;
  };
  return blob => {
    const { digest, size, mediaType, diffId, key } = blob;
    const name = JSON.stringify([digest, size, mediaType, diffId, key]);
    const answer = asked.get(name) ?? ask(blob);
    asked.set(name, answer);
    return answer;
  };
}
