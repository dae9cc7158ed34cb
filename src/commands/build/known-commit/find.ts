import { orElse } from '../../../host/failure.ts';
import { limits } from '../../../host/limits.ts';
import { type ListedImage, listImages } from '../../../registry/memory/images.ts';
import {
  areNumbered,
  newestMemories,
  newestNumber,
  numberedTag,
} from '../../../registry/memory/numbered.ts';
import { documentAt } from '../../../registry/memory/read.ts';
import type { ImageStore } from '../../../registry/store.ts';

/** An image that a memory lists, … */
export interface FoundImage {
  image: ListedImage;
  /** … and where that memory is. */
  cacheTag: string;
  /** All tags of the repository, where they were asked for. */
  tags?: ReadonlySet<string>;
}

/** Where to look. */
interface Place {
  store: ImageStore;
  /** Where the memory is, if the inputs say it. */
  cacheTag: string | undefined;
  /** OCI's name. */
  architecture: string;
}

/**
 * The image that memories of a repository list for what is sought, the newest one. Undefined where there is
 * none, and where two are listed that are not the same: nobody knows which is right then. What cannot be
 * read lists nothing.
 */
export async function findListed(
  place: Place,
  isSought: (image: ListedImage) => boolean,
): Promise<FoundImage | undefined> {
  const { store, architecture } = place;
  const { memories, tags } = await memoriesOf(place);
  const found = await Promise.all(
    memories.map(async ({ first, newest }) => {
      const document = await orElse(documentAt(store, newest, architecture), undefined);
      const images = document ? listImages(document).filter(isSought) : [];
      return images.map(image => ({ image, cacheTag: first, ...(tags ? { tags } : {}) }));
    }),
  );
  const [first, ...others] = found.flat();
  const isSame = ({ image }: FoundImage) => image.config.digest === first?.image.config.digest;
  return others.every(isSame) ? first : undefined;
}

/**
 * The memories of a repository: the one that the inputs name, else those of this architecture. A recipe's
 * name and tag, by which a run knows its own, are not known before it is evaluated.
 */
async function memoriesOf({ store, cacheTag, architecture }: Place): Promise<{
  memories: { first: string; newest: string }[];
  tags?: ReadonlySet<string>;
}> {
  if (cacheTag !== undefined) {
    const isNumbered = await areNumbered(store, cacheTag);
    const number = isNumbered ? await orElse(newestNumber(store, cacheTag, 1), 1) : 0;
    return { memories: [{ first: cacheTag, newest: numberedTag(cacheTag, number) }] };
  }
  const tags = await orElse(store.tagsWith?.('') ?? Promise.resolve([]), []);
  const isMemory = (tag: string) => tag.startsWith('cache-') && tag.endsWith(`-${architecture}`);
  const name = /[^/]*$/.exec(store.repository)?.[0] ?? '';
  const all = newestMemories(tags, isMemory).sort((one, other) =>
    byName(`cache-${name}-`, one.first, other.first),
  );
  return { memories: all.slice(0, limits.variantMemories), tags: new Set(tags) };
}

/** Those that are called like the repository come first, and later names before earlier: they are newer. */
function byName(start: string, one: string, other: string): number {
  const more = Number(other.startsWith(start)) - Number(one.startsWith(start));
  return more !== 0 ? more : one < other ? 1 : -1;
}
