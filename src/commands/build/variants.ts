import { orElse } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { variantTags } from '../../inputs/destination.ts';
import { newestMemories } from '../../registry/memory/numbered.ts';
import { type Reading, readMemory } from '../../registry/memory/read.ts';
import type { Memory } from '../../registry/remembered.ts';
import type { ImageStore } from '../../registry/store.ts';

/** An image of which other variants may be remembered in its repository. */
interface Variant {
  name: string;
  /** Where its own memory is. */
  cacheTag: string;
}

/**
 * Reads what is remembered of other variants of an image: memories in its repository that are called like
 * its own, but for the tag: first that whose name is most like it, and where something is lacking still,
 * all others. What cannot be listed or read teaches nothing, and is no matter of this run.
 *
 * @param isLacking whether something is still not known, with these memories
 */
export async function recallVariants(
  store: ImageStore,
  { name, cacheTag }: Variant,
  reading: Reading,
  isLacking: (memories: readonly Memory[]) => boolean,
): Promise<Memory[]> {
  const memories: Memory[] = [];
  if (store.tagsWith === undefined || !isLacking(memories)) return memories;
  const { start, isVariant } = variantTags(name, reading.architecture);
  const tags = await orElse(store.tagsWith(start), []);
  const others = newestMemories(tags, isVariant).filter(({ first }) => first !== cacheTag);
  const nearest = others.sort((one, other) => byLikeness(cacheTag, one.first, other.first));
  const [first, ...more] = nearest.slice(0, limits.variantMemories);
  for (const batch of [first ? [first] : [], more]) {
    if (!isLacking(memories)) break;
    const found = await Promise.all(
      batch.map(({ newest }) => orElse(readMemory(store, newest, reading), undefined)),
    );
    memories.push(...found.flatMap(each => each?.memory ?? []));
  }
  return memories;
}

/** Of the same likeness the later name comes first: it is mostly the newer version. */
function byLikeness(own: string, one: string, other: string): number {
  const more = sameBeginning(own, other) - sameBeginning(own, one);
  return more !== 0 ? more : one < other ? 1 : -1;
}

function sameBeginning(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}
