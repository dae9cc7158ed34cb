import { readDocument } from '../host/document-file.ts';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { checkDocument, type Document, wrongAt } from './document.ts';
import { layerIn } from './layers.ts';
import { parseToml } from './toml.ts';
import { fillIn, type Variant } from './variant.ts';
import { skipFor, wheelFor } from './wanted/rules.ts';
import { type WheelRules, wantedSchema } from './wanted/schema.ts';
import type { WantedWheel } from './wanted/wheel.ts';
import { normalizeName } from './wheel-name.ts';

export interface WantedSource {
  name: string;
  url: string;
  ref: string;
  /** Whether it is a package of Python that is built and installed. */
  isPackage?: boolean;
}

/** `wheels.toml`: what is wanted. */
export interface Wanted {
  variants: readonly Variant[];
  /** The projects of a variant, sorted by name. */
  wheels: (variant: Variant) => readonly WantedWheel[];
  /** Projects that a variant goes without, whoever requires them: the one taken instead, if any. */
  skipped: (variant: Variant) => ReadonlyMap<string, string | undefined>;
  /** Requirements lists of a variant, by their paths from the file's folder. */
  lists: (variant: Variant) => readonly string[];
  /** The root of the index where lists are looked up. */
  packageIndex: (variant: Variant) => string;
  /** What the image has without a wheel: an attribute of the flake, or project → version. */
  provided: string | Readonly<Record<string, string>> | undefined;
  /** The layer of a project; undefined where the file has no rules for layers. */
  layerOf: (name: string) => string | undefined;
  sources: readonly WantedSource[];
  /** The API that knows the releases. */
  githubApi: string;
}

/**
 * Reads what is wanted.
 * @throws Failure that names file, line and what to do
 */
export async function readWanted(file: string): Promise<Wanted> {
  const content = await readDocument(file);
  if (content !== undefined) return parseWanted(content, file);
  throw new Failure(`There is no ${file}, which says what wheels are wanted.`, {
    next: 'Name it with --wheels, or begin with: nix flake init -t github:org/comfy-nix-action#layered',
  });
}

/** What a file's text asks for; `file` is for errors. */
export function parseWanted(content: string, file: string): Wanted {
  const next = 'Correct the line; docs/prefetch.md lists the keys.';
  const document: Document = {
    file,
    text: content,
    value: parseToml(content, file, 'Correct the line.'),
    next,
  };
  const asked = checkDocument(wantedSchema, document);
  const { systems, cuda, python, wheels, sources, index, indexes } = asked;
  const packageIndex = asked['package-index'];
  const [allSystems, allCudas, allPythons] = [unique(systems), unique(cuda), unique(python)];
  const count = allSystems.length * allCudas.length * allPythons.length;
  if (count > limits.variants) {
    throw wrongAt(
      document,
      ['cuda'],
      `${count} variants are more than the ${limits.variants} that it takes.`,
    );
  }
  const variants = allSystems.flatMap(system =>
    allCudas.flatMap(each => allPythons.map(py => ({ system, cuda: each, python: py }))),
  );
  checkRules(wheels, document);
  checkIndexes(
    [index, packageIndex, ...Object.values(wheels).flatMap(indexesOf)],
    indexes,
    document,
  );
  const indexOf = (named = index) =>
    (Object.hasOwn(indexes, named) ? indexes[named] : undefined) ?? named;
  const rules = Object.entries(wheels)
    .map(([name, rules]) => ({ name: normalizeName(name), rules }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    variants,
    wheels: variant =>
      rules.flatMap(({ name, rules }) => wheelFor(name, rules, variant, indexOf) ?? []),
    skipped: variant => new Map(rules.flatMap(({ name, rules }) => skipFor(name, rules, variant))),
    lists: variant => asked.requirements.map(file => fillIn(file, variant)),
    packageIndex: variant => fillIn(indexOf(packageIndex), variant).replace(/\/+$/, ''),
    provided: typeof asked.provided === 'object' ? normalized(asked.provided) : asked.provided,
    layerOf: name => asked.layers && layerIn(asked.layers, name),
    sources: Object.entries(sources).map(([name, source]) => ({ name, ...source })),
    githubApi: asked['github-api'],
  };
}

/** What one table alone cannot tell: two names for one project, two origins for one wheel. */
function checkRules(wheels: Record<string, WheelRules>, document: Document): void {
  const seen = new Map<string, string>();
  for (const [name, { except = [], ...rules }] of Object.entries(wheels)) {
    const other = seen.get(normalizeName(name));
    if (other !== undefined) {
      throw wrongAt(document, ['wheels', name], `the project is there already, as ${other}.`);
    }
    seen.set(normalizeName(name), name);
    for (const each of [rules, ...except]) {
      if (each.index === undefined || each.release === undefined) continue;
      throw wrongAt(document, ['wheels', name, 'release'], 'an index is given as well; keep one.');
    }
  }
}

const indexesOf = ({ index, except = [] }: WheelRules) => [
  index,
  ...except.map(each => each.index),
];

/** An index that is no address is a name of `[indexes]`. */
function checkIndexes(
  used: readonly (string | undefined)[],
  indexes: Record<string, string>,
  document: Document,
): void {
  const unknown = used.find(
    each => each !== undefined && !/:/.test(each) && !Object.hasOwn(indexes, each),
  );
  if (unknown === undefined) return;
  const known = Object.keys(indexes).join(', ') || 'none';
  throw wrongAt(document, ['indexes'], `"${unknown}" is not among the named indexes: ${known}.`);
}

const normalized = (table: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(table).map(([name, each]) => [normalizeName(name), each]));

const unique = (entries: readonly string[]): string[] => [...new Set(entries)];
