import { badInput, quote } from './values.ts';

/** A tag as it is given: bare, or as a full reference, which says the repository as well. */
export interface GivenTag {
  /** As it is written. */
  entry: string;
  /** Lower-cased. */
  repository?: string;
  tag: string;
}

/** A tag that every registry can hold (distribution-spec, "Pulling manifests"). */
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** A repository, lower-cased: an optional host with a port, also as an address, then path components. */
const host = String.raw`(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?`;
const component = '[a-z0-9]+(?:[._-]+[a-z0-9]+)*';
const repositoryPattern = new RegExp(
  `^(?:http://${host}/|(?:${host}/)?)${component}(?:/${component})*$`,
);
const registryPattern = new RegExp(`^${host}$`);

/** Reads the input `tags`: bare tags and full references. */
export function readTags(name: string, entries: readonly string[]): GivenTag[] {
  for (const entry of entries) {
    if (!/\s/.test(entry)) continue;
    throw badInput(
      name,
      `tags stand on lines of their own, or between commas; found ${quote(entry)}.`,
      `Write ${entry.split(/\s+/).join(',')}.`,
    );
  }
  return entries.map(entry => readTag(name, entry));
}

/** A bare tag, or a full reference's two parts; a port's colon is followed by a slash. */
export function readTag(name: string, entry: string): GivenTag {
  if (!/[/:@]/.test(entry)) return { entry, tag: checkTag(name, entry) };
  const [, repository, tag] = /^([^@]+):([^:/@]+)$/.exec(entry) ?? [];
  if (repository !== undefined && tag !== undefined) {
    return { entry, repository: checkRepository(name, repository), tag: checkTag(name, tag) };
  }
  throw badInput(
    name,
    `expected a tag or a reference with a tag; found ${quote(entry)}.`,
    adviceWithoutTag(entry),
  );
}

/** For a reference whose tag is missing, and for the name of a branch, which is to be a tag. */
function adviceWithoutTag(entry: string): string | undefined {
  if (entry.includes('@')) return 'Tags cannot name a digest: leave it out, and give a tag.';
  const isReference = /^(localhost|[^/]+(\.[a-z]{2,}|:\d+))\//i.test(entry);
  return isReference ? `Write ${entry}:TAG.` : useInstead(entry);
}

/** A tag as given to the input `name`, or an error that says which tag would do. */
export function checkTag(name: string, tag: string): string {
  if (tagPattern.test(tag)) return tag;
  throw badInput(
    name,
    `a registry cannot hold the tag ${quote(tag)}: letters, digits, "_", "." and "-", at most 128.`,
    useInstead(tag),
  );
}

function useInstead(text: string): string | undefined {
  const tag = text
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 128);
  return tag === '' ? undefined : `Use ${tag}.`;
}

/** Reads the input `cache-from`: references, also in docker/build-push-action's form. */
export function readCacheReferences(name: string, lines: readonly string[]): string[] {
  return lines.map(line =>
    checkReference(name, line.includes('=') ? withinPairs(name, line) : line),
  );
}

/** The reference in `type=registry,ref=REFERENCE`. */
function withinPairs(name: string, raw: string): string {
  const parts = new Map(raw.split(',').map(part => part.split('=', 2) as [string, string]));
  const reference = parts.get('ref');
  if (parts.get('type') === 'registry' && reference) return reference;
  throw badInput(
    name,
    `expected a reference, or type=registry,ref=REFERENCE; found ${quote(raw)}.`,
  );
}

/** A reference with a tag, a digest, both or neither; the same text. The registry's client reads digests. */
function checkReference(name: string, raw: string): string {
  const [, repository = raw, tag] = /^([^@]+?)(?::([^:/@]+))?(?:@.*)?$/.exec(raw) ?? [];
  checkRepository(name, repository);
  if (tag !== undefined) checkTag(name, tag);
  return raw;
}

/** Reads the input `insecure-registries`: hosts, with their ports, lower-cased. */
export function readRegistries(name: string, entries: readonly string[]): string[] {
  return entries.map(entry => {
    const registry = entry.toLowerCase();
    const isHost = registryPattern.test(registry) && URL.canParse(`https://${registry}`);
    if (isHost) return registry;
    throw badInput(
      name,
      `expected a host with its port, such as registry:5000; found ${quote(entry)}.`,
      'Leave out http://, and the name of the image.',
    );
  });
}

/** Reads the input `image`: a repository, which is put in lower case, or a place on this machine. */
export function readImage(name: string, raw: string): string {
  if (raw === '-') return raw;
  const [, kind, place] = /^(oci|docker-archive):(.*)$/.exec(raw) ?? [];
  if (kind === undefined) return checkRepository(name, raw);
  if (place !== '') return raw;
  throw badInput(name, `${quote(raw)} names no ${kind === 'oci' ? 'folder' : 'file'}.`);
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
