import { badInput, quote, readList } from './values.ts';

/** Where an image goes, as far as the inputs say. */
export interface Destination {
  /** Lower-cased repository, `oci:DIR`, `docker-archive:FILE` or `-`; undefined: not said. */
  image: string | undefined;
  /** Bare tags, each once, in the order given. */
  tags: string[];
}

/** A tag that every registry can hold (distribution-spec, "Pulling manifests"). */
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** A repository, lower-cased: an optional host with a port, then path components. */
const host = String.raw`(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?`;
const component = '[a-z0-9]+(?:[._-]+[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^(?:${host}/)?${component}(?:/${component})*$`);

/** Whether the image is written on this machine, so that nothing is pushed anywhere. */
export function isLocalImage(image: string | undefined): boolean {
  return image === '-' || /^(?:oci|docker-archive):/.test(image ?? '');
}

/**
 * Reads the inputs `image` and `tags` together: tags may be full references, as those that
 * docker/metadata-action gives, and then say the image too. All of them must name the same
 * repository.
 */
export function readDestination(rawImage: string, rawTags: string): Destination {
  let image = rawImage === '' ? undefined : readImage(rawImage);
  let said = `image ${quote(rawImage)}`;
  const tags = new Set<string>();
  for (const entry of readList(rawTags)) {
    const { repository, tag } = splitReference(entry);
    tags.add(checkTag('tags', tag));
    if (repository === undefined) continue;
    if (image !== undefined && image !== repository) {
      throw badInput(
        'tags',
        `${quote(entry)} names another repository than ${said}.`,
        'Push to one repository; another one needs a step of its own.',
      );
    }
    image = repository;
    said = quote(entry);
  }
  return { image, tags: [...tags] };
}

/**
 * Reads where `copy` puts an image: like the inputs `image` and `tags`, but the image may have a tag
 * itself, also as `oci:DIR:TAG`.
 */
export function readCopyDestination(raw: string, rawTags: string): Destination & { image: string } {
  const layout = /^(oci:.+):([^:/]+)$/.exec(raw);
  const isReference = !isLocalImage(raw) && /:[^:/]+$/.test(raw);
  const { image, tags } =
    layout?.[1] && layout[2]
      ? readDestination(layout[1], `${layout[2]}\n${rawTags}`)
      : readDestination(isReference ? '' : raw, isReference ? `${raw}\n${rawTags}` : rawTags);
  if (image !== undefined) return { image, tags };
  throw badInput(
    'destination',
    `expected a reference or a place on this machine; found ${quote(raw)}.`,
  );
}

/** A tag as given to the input `name`, or an error that says which tag would do. */
export function checkTag(name: string, tag: string): string {
  if (tagPattern.test(tag)) return tag;
  const proposal = tag.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 128);
  throw badInput(
    name,
    `a registry cannot hold the tag ${quote(tag)}: letters, digits, "_", "." and "-", at most 128.`,
    tagPattern.test(proposal) ? `Use ${proposal}.` : undefined,
  );
}

function readImage(raw: string): string {
  if (raw === '-') return raw;
  const [, kind, place] = /^(oci|docker-archive):(.*)$/.exec(raw) ?? [];
  if (kind !== undefined) {
    if (place === '')
      throw badInput('image', `${quote(raw)} names no ${kind === 'oci' ? 'folder' : 'file'}.`);
    return raw;
  }
  return checkRepository('image', raw);
}

function checkRepository(name: string, raw: string): string {
  const repository = raw.toLowerCase();
  if (repositoryPattern.test(repository)) return repository;
  const [, tag] = /^[^@]*:([^/@]*)$/.exec(raw) ?? [];
  throw badInput(
    name,
    `expected a repository such as ghcr.io/owner/name; found ${quote(raw)}.`,
    tag === undefined ? undefined : `Give ${quote(tag)} in the input tags.`,
  );
}

/** A bare tag, or a full reference's two parts; a port's colon is followed by a slash. */
function splitReference(entry: string): { repository?: string; tag: string } {
  if (!/[/:@]/.test(entry)) return { tag: entry };
  const [, repository, tag] = /^([^@]+):([^:/@]+)$/.exec(entry) ?? [];
  if (repository === undefined || tag === undefined) {
    throw badInput('tags', `expected a tag or a reference with a tag; found ${quote(entry)}.`);
  }
  return { repository: checkRepository('tags', repository), tag };
}
