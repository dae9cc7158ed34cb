import { isLocalImage } from './destination.ts';
import { badInput, quote } from './values.ts';

type Texts = Readonly<Record<string, string>>;

/** Whose annotations docker/metadata-action and buildx know; a build makes a manifest alone. */
const levels = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;
type Level = (typeof levels)[number];

/** What the input `annotations` says. */
export interface GivenAnnotations {
  manifest: Texts;
  /** Those that are of something else alone, as `level:key`. */
  elsewhere: readonly string[];
}

/**
 * Reads the input `annotations`: keys with or without buildx's levels before them (`manifest,index:key`).
 * @throws Failure with exit code 2 for a platform at a level, and for a key that comes twice
 */
export function readAnnotations(entries: readonly [key: string, text: string][]): GivenAnnotations {
  const manifest = new Map<string, string>();
  const elsewhere: { given: string; key: string; text: string }[] = [];
  for (const [given, text] of entries) {
    const { key, of } = readKey(given);
    if (!of.includes('manifest')) elsewhere.push({ given, key, text });
    else if (manifest.has(key)) throw badInput('annotations', `${quote(key)} is given twice.`);
    else manifest.set(key, text);
  }
  // metadata-action gives the same texts for each level
  const lost = elsewhere.filter(({ key, text }) => manifest.get(key) !== text);
  return { manifest: Object.fromEntries(manifest), elsewhere: lost.map(({ given }) => given) };
}

function readKey(given: string): { key: string; of: readonly Level[] } {
  const [, prefix, key] =
    /^([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.+)$/.exec(given) ?? [];
  const of = prefix?.split(',').map(each => each.replace(/\[.*$/, '')) ?? [];
  if (key === undefined || !of.every(isLevel)) return { key: given, of: ['manifest'] };
  if (prefix?.includes('[')) {
    throw badInput(
      'annotations',
      `${quote(given)} names a platform; a build makes the image of one.`,
      `Write ${prefix.replaceAll(/\[[^\]]*\]/g, '')}:${key}, in the job of that platform.`,
    );
  }
  return { key, of };
}

const isLevel = (text: string): text is Level => levels.some(level => level === text);

/** What is told of annotations that no manifest gets; undefined where there are none. */
export function elsewhereNotice({ elsewhere }: GivenAnnotations): string | undefined {
  if (elsewhere.length === 0) return undefined;
  return (
    `These annotations are left out: ${elsewhere.join(', ')}. A build makes a manifest and no index, ` +
    'which alone has them; give them to what makes the index.'
  );
}

/** Labels of OCI that are others with each commit. */
const changing = ['org.opencontainers.image.created', 'org.opencontainers.image.revision'];

/**
 * Tells labels that stay from those that are others with each commit, which the manifest gets as
 * annotations: so config and layers stay what they are. An archive for Docker has labels alone.
 */
export function sortLabels(
  labels: Texts,
  image: string | undefined,
): { labels: Texts; moved: Texts } {
  const isArchive = isLocalImage(image) && !image?.startsWith('oci:');
  const moves = (key: string) => !isArchive && changing.includes(key);
  const of = (isWanted: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(labels).filter(([key]) => isWanted(key)));
  return { labels: of(key => !moves(key)), moved: of(moves) };
}

/** What is told of labels that became annotations; undefined where there are none. */
export function movedNotice(moved: Texts): string | undefined {
  const names = Object.keys(moved);
  if (names.length === 0) return undefined;
  return (
    `${new Intl.ListFormat('en').format(names)} of the input labels: given to the manifest as ` +
    'annotations, since as labels they would make every commit another image.'
  );
}
