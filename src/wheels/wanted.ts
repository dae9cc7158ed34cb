import { readDocument } from '../host/document-file.ts';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { checkDocument, type Document, wrongAt } from './document.ts';
import { layerIn } from './layers.ts';
import { parseToml } from './toml.ts';
import { fillIn, type Variant } from './variant.ts';
import { skipFor, wheelFor } from './wanted/rules.ts';
import { type WantedTables, type WheelRules, wantedSchema } from './wanted/schema.ts';
import type { WantedSource } from './wanted/source.ts';
import { sourceOf } from './wanted/sources.ts';
import type { WantedWheel } from './wanted/wheel.ts';
import { normalizeName } from './wheel-name.ts';

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
    next: 'Name it by `wheels`, or begin with: nix flake init -t github:org/comfy-nix-action#layered',
  });
}

/** What a file's text asks for; `file` is for errors. */
export function parseWanted(content: string, file: string): Wanted {
  const value = parseToml(content, file, 'Correct the line.');
  const next = 'Correct the line; docs/prefetch.md lists the keys.';
  const document: Document = { file, text: content, value, next };
  const asked = checkDocument(wantedSchema, document);
  const variants = variantsOf(asked, document);
  checkRules(asked.wheels, document);
  checkIndexes(asked, document);
  const { index, indexes, sources } = asked;
  const packageIndex = asked['package-index'];
  const indexOf = (named = index) =>
    (Object.hasOwn(indexes, named) ? indexes[named] : undefined) ?? named;
  const rootOf = (named: string, variant: Variant) =>
    fillIn(indexOf(named), variant).replace(/\/+$/, '');
  // a source is for all variants
  const [first] = variants;
  const sourceIndex = (named = packageIndex) =>
    first === undefined ? named : rootOf(named, first);
  const rules = Object.entries(asked.wheels)
    .map(([name, rules]) => ({ name: normalizeName(name), rules }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    variants,
    wheels: variant =>
      rules.flatMap(({ name, rules }) => wheelFor(name, rules, variant, indexOf) ?? []),
    skipped: variant => new Map(rules.flatMap(({ name, rules }) => skipFor(name, rules, variant))),
    lists: variant => asked.requirements.map(file => fillIn(file, variant)),
    packageIndex: variant => rootOf(packageIndex, variant),
    provided: typeof asked.provided === 'object' ? normalized(asked.provided) : asked.provided,
    layerOf: name => asked.layers && layerIn(asked.layers, name),
    sources: Object.entries(sources).map(([name, each]) =>
      sourceOf(name, each, sourceIndex, document),
    ),
    githubApi: asked['github-api'],
  };
}

function variantsOf({ systems, cuda, python }: WantedTables, document: Document): Variant[] {
  const [allSystems, allCudas, allPythons] = [unique(systems), unique(cuda), unique(python)];
  const count = allSystems.length * allCudas.length * allPythons.length;
  if (count > limits.variants) {
    const problem = `${count} variants are more than the ${limits.variants} that it takes.`;
    throw wrongAt(document, ['cuda'], problem);
  }
  return allSystems.flatMap(system =>
    allCudas.flatMap(each => allPythons.map(py => ({ system, cuda: each, python: py }))),
  );
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

/** An index that is no address is a name of `[indexes]`. */
function checkIndexes(asked: WantedTables, document: Document): void {
  const { index, indexes, wheels, sources } = asked;
  const rules = Object.values(wheels).flatMap(({ except = [], ...own }) => [own, ...except]);
  const named = [...rules, ...Object.values(sources)].map(each => each.index);
  const unknown = [index, asked['package-index'], ...named].find(
    each => each !== undefined && !/:/.test(each) && !Object.hasOwn(indexes, each),
  );
  if (unknown === undefined) return;
  const known = Object.keys(indexes).join(', ') || 'none';
  throw wrongAt(document, ['indexes'], `"${unknown}" is not among the named indexes: ${known}.`);
}

const normalized = (table: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(table).map(([name, each]) => [normalizeName(name), each]));

const unique = (entries: readonly string[]): string[] => [...new Set(entries)];
