import { Failure, orElse } from '../../host/failure.ts';
import type { ImageStore } from '../store.ts';

// Where tags cannot be moved, each memory has a tag of its own: the tag of the first one, a dot and a
// number. Nobody can take a number twice there, so that no writer overwrites another.

const longestTag = 128;

/** The tag of the memory with this number; 0: the one that has none. */
export function numberedTag(tag: string, number: number): string {
  if (number === 0) return tag;
  const ending = `.${number}`;
  return tag.slice(0, longestTag - ending.length) + ending;
}

/** Whether there are memories with numbers: asked of the first, since that is one small question. */
export async function areNumbered(store: ImageStore, tag: string): Promise<boolean> {
  if (store.tagsWith === undefined) return false;
  // some registries refuse what is not there
  const first = await orElse(store.getManifest(numberedTag(tag, 1)), undefined);
  return first !== undefined;
}

/** The highest number that a memory has; `least`, which is known to be there, where tags are not told. */
export async function newestNumber(store: ImageStore, tag: string, least: number): Promise<number> {
  const start = tag.slice(0, longestTag - 8);
  const tags = (await store.tagsWith?.(start).catch(notTold)) ?? [];
  const numbers = tags.flatMap(each => {
    const [, digits] = /\.([1-9]\d{0,5})$/.exec(each) ?? [];
    const number = Number(digits);
    return digits !== undefined && each === numberedTag(tag, number) ? [number] : [];
  });
  return Math.max(least, ...numbers);
}

/** Of tags of memories, those that `isWanted` takes without their numbers, each with its newest. */
export function newestMemories(
  tags: readonly string[],
  isWanted: (first: string) => boolean,
): { first: string; newest: string }[] {
  const newest = new Map<string, number>();
  for (const tag of tags) {
    const [, unnumbered = tag, digits = '0'] = /^(.*)\.([1-9]\d{0,5})$/.exec(tag) ?? [];
    const [first, number] = isWanted(tag) ? [tag, 0] : [unnumbered, Number(digits)];
    if (isWanted(first)) newest.set(first, Math.max(number, newest.get(first) ?? 0));
  }
  return [...newest].map(([first, number]) => ({ first, newest: numberedTag(first, number) }));
}

function notTold(error: unknown): string[] {
  if (error instanceof Failure) return [];
  throw error;
}
