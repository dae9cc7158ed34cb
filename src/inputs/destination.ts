import { checkTag, type GivenTag, readImage, readTag } from './references.ts';
import { badInput, quote } from './values.ts';

/** Where an image goes, as far as the inputs say. */
export interface Destination {
  /** Lower-cased repository, `oci:DIR`, `docker-archive:FILE` or `-`; undefined: not said. */
  image: string | undefined;
  /** Bare tags, each once, in the order given. */
  tags: string[];
}

/** Whether the image is written on this machine, so that nothing is pushed anywhere. */
export function isLocalImage(image: string | undefined): boolean {
  return image === '-' || /^(?:oci|docker-archive):/.test(image ?? '');
}

/**
 * Puts the inputs `image` and `tags` together: tags may be full references, as those that
 * docker/metadata-action gives, and then say the image too. All of them must name the same
 * repository.
 */
export function joinDestination(
  image: string | undefined,
  given: readonly GivenTag[],
): Destination {
  let found = image;
  let said = `image ${quote(image ?? '')}`;
  for (const { entry, repository } of given) {
    if (repository === undefined) continue;
    if (found !== undefined && found !== repository) {
      throw badInput(
        'tags',
        `${quote(entry)} names another repository than ${said}.`,
        'Push to one repository; another one needs a step of its own.',
      );
    }
    found = repository;
    said = quote(entry);
  }
  return { image: found, tags: [...new Set(given.map(({ tag }) => tag))] };
}

/**
 * Reads where `copy` puts an image: like the inputs `image` and `tags`, but the image may have a tag
 * itself, also as `oci:DIR:TAG`.
 */
export function readCopyDestination(
  raw: string,
  tags: readonly GivenTag[],
): Destination & { image: string } {
  const name = 'destination';
  const [, layout, layoutTag] = /^(oci:.+):([^:/]+)$/.exec(raw) ?? [];
  if (layout !== undefined && layoutTag !== undefined) {
    const own = { entry: raw, tag: checkTag(name, layoutTag) };
    return { ...joinDestination(layout, [own, ...tags]), image: layout };
  }
  const isTagged = !isLocalImage(raw) && /:[^:/]+$/.test(raw);
  const own = isTagged ? readTag(name, raw) : undefined;
  const image = own?.repository ?? readImage(name, raw);
  return { ...joinDestination(image, own ? [own, ...tags] : tags), image };
}

/** What decides where a memory is kept of images that have no recipe: their own tags may change with each. */
export const tagWithoutRecipe = (repository: string, architecture: string): string =>
  defaultCacheTag({ name: /[^/:]*$/.exec(repository)?.[0] ?? '', tag: 'latest', architecture });

/** Where an image's memory is kept by default: `cache-<name>-<tag>-<arch>`, with what a tag cannot hold replaced. */
export function defaultCacheTag(image: {
  name: string;
  tag: string;
  architecture: string;
}): string {
  const { name, tag, architecture } = image;
  return asTag(`cache-${name}-${tag}-${architecture}`);
}

/** In a tag that is given for all variants of an image it stands for what each is called. */
export const variantMark = '{variant}';

/** The tags of a variant, of those that are given for all: where it has no place in one, it is put behind that. */
export function tagsOfVariant(given: readonly string[], variant: string): string[] {
  const called = given.map(tag =>
    tag.includes(variantMark) ? tag.replaceAll(variantMark, variant) : `${tag}-${variant}`,
  );
  return [...new Set(called)].map(tag => checkTag('tags', tag));
}

/** How the tags begin at which memories of all variants of an image are kept by default, and which are these. */
export function variantTags(name: string, architecture: string) {
  const start = asTag(`cache-${name}-`);
  const isVariant = (tag: string) => tag.startsWith(start) && tag.endsWith(`-${architecture}`);
  return { start, isVariant };
}

const asTag = (text: string) => text.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 128);
