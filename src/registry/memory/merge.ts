import type { Fields } from '../../host/foreign-value.ts';
import type { KnownBlob, Memory, RememberedImage, RememberedRecord } from '../remembered.ts';
import { originEntries } from './document.ts';
import { serializeMemory } from './serialize.ts';

/** How many images a memory holds; the oldest are forgotten, and with them their blobs. */
const rememberedImages = 20;

/** How many of them may be runs that failed: they must not crowd out what was finished. */
const rememberedFailures = 5;

/** How many records of runs it holds. */
const rememberedRecords = 20;

/** How many images it keeps the derivations of. */
const rememberedDerivations = 3;

/** One memory that knows all that both know; what comes first is newer. */
export function mergeMemories(newer: Memory, older: Memory): Memory {
  const more = merged(newer.more, older.more);
  const kept = [...(newer.derivations ?? []), ...(older.derivations ?? [])];
  const derivations = mergeDocuments(kept, rememberedDerivations);
  return {
    images: mergeImages([...newer.images, ...older.images]),
    records: mergeDocuments(
      [...(newer.records ?? []), ...(older.records ?? [])],
      rememberedRecords,
    ),
    ...(derivations.length > 0 ? { derivations } : {}),
    ...(more ? { more } : {}),
  };
}

function mergeImages(images: readonly RememberedImage[]): RememberedImage[] {
  const merged = new Map<string, RememberedImage>();
  let unfinished = 0;
  for (const image of images) {
    const identity = identityOf(image);
    const before = merged.get(identity);
    if (before) merged.set(identity, completed(before, image));
    else if (image.digest !== undefined || ++unfinished <= rememberedFailures) {
      merged.set(identity, image);
    }
  }
  return [...merged.values()].slice(0, rememberedImages);
}

const identityOf = ({ digest, blobs }: RememberedImage) =>
  digest ?? blobs.map(blob => blob.digest).join(' ');

/**
 * An image with what was known of it before, and is not told now. What it was made from is of one run: what
 * two say of it together, neither may have found.
 */
function completed(newer: RememberedImage, older: RememberedImage): RememberedImage {
  const more = merged(newer.more, older.more);
  const before = newer.system === undefined ? older : withoutOrigin(older);
  return { ...before, ...newer, ...(more ? { more } : {}) };
}

/** Without what a run says of what it has made the image from; whether it was tested is said of the image. */
function withoutOrigin(image: RememberedImage): RememberedImage {
  const isOrigin = (name: string) => name !== 'tested' && Object.hasOwn(originEntries, name);
  const kept = Object.entries(image).filter(([name]) => !isOrigin(name));
  return Object.fromEntries(kept) as unknown as RememberedImage;
}

const merged = (newer: Fields | undefined, older: Fields | undefined): Fields | undefined =>
  newer && older ? { ...older, ...newer } : (newer ?? older);

function mergeDocuments(documents: readonly RememberedRecord[], most: number): RememberedRecord[] {
  const merged = new Map<string, RememberedRecord>();
  for (const each of documents) if (!merged.has(each.digest)) merged.set(each.digest, each);
  return [...merged.values()].slice(0, most);
}

/**
 * Whether a memory knows all of an image. Where an image of the same bytes was made from another commit,
 * or for another event, what is remembered of that stays.
 */
export function isRemembered(learnt: RememberedImage, memory: Memory): boolean {
  const known = memory.images.find(image => identityOf(image) === identityOf(learnt));
  if (known === undefined) return false;
  const { digest, config, target, outputs, blobs, roots } = learnt;
  const content = {
    ...(digest ? { digest } : {}),
    ...(config ? { config } : {}),
    ...(target ? { target } : {}),
  };
  const whole = { ...learnt, ...known, ...content, outputs, blobs, roots };
  return serializeMemory({ images: [whole] }).equals(serializeMemory({ images: [known] }));
}

/** An image with its blobs changed or left out; an output that loses one is known without blobs. */
export function mapBlobs(
  image: RememberedImage,
  change: (blob: KnownBlob) => KnownBlob | undefined,
): RememberedImage {
  const changed = (blobs: readonly KnownBlob[]) => blobs.flatMap(blob => change(blob) ?? []);
  return {
    ...image,
    blobs: changed(image.blobs),
    outputs: image.outputs.map(output => {
      const blobs = changed(output.blobs);
      return { ...output, blobs: blobs.length === output.blobs.length ? blobs : [] };
    }),
  };
}

/** All blobs that a memory knows, each digest once, newest first. */
export function knownBlobs(memory: Memory): KnownBlob[] {
  const blobs = new Map<string, KnownBlob>();
  for (const blob of memory.images.flatMap(image => image.blobs)) {
    if (!blobs.has(blob.digest)) blobs.set(blob.digest, blob);
  }
  return [...blobs.values()];
}
