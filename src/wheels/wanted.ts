import { satisfies, valid, validRange } from '@renovatebot/pep440';
import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { readDocument } from '../host/document-file.ts';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { checkDocument, closed, type Document, wrongAt } from './document.ts';
import { layerIn } from './layers.ts';
import { fillIn, type Variant } from './variant.ts';
import { normalizeName } from './wheel-name.ts';

/** Where wheels come from. */
export type Origin =
  /** The root of an index (PEP 503): a project's page is at `url/project/`. */
  | { kind: 'index'; url: string }
  /** A release on GitHub; without a tag the latest. */
  | { kind: 'release'; repository: string; tag: string | undefined };

/** A project that is wanted in a variant. */
export interface WantedWheel {
  /** Normalised (PEP 503). */
  name: string;
  /** PEP 440 specifiers, "==2.10.0" or ">=2.10,<2.12"; empty: any. */
  versions: string;
  origin: Origin;
  /** Projects whose versions need not suit this one. */
  ignoredRequirements: readonly string[];
}

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

const text = v.string('a text');
const texts = (pattern: RegExp, expected: string) =>
  v.pipe(v.array(v.pipe(text, v.regex(pattern, expected)), 'a list'), v.minLength(1, 'an entry'));
const oneOrMore = (pattern: RegExp, expected: string) =>
  v.union([v.pipe(text, v.regex(pattern, expected)), texts(pattern, expected)], expected);

const cudaForm = [/^cu\d{3}$/, 'a CUDA such as "cu130"'] as const;
const pythonForm = [/^3\.\d+$/, 'a Python such as "3.12"'] as const;
const systemForm = [/^(x86_64|aarch64)-linux$/, '"x86_64-linux" or "aarch64-linux"'] as const;

const address = v.pipe(
  text,
  v.regex(/^https?:\/\/[^\s@]+$/, 'an address (https://…) without a password'),
);
const version = v.pipe(
  text,
  v.maxLength(limits.requirement, 'a version or a range of usual length'),
  v.check(each => specifierOf(each) !== undefined, 'a version or a range such as ">=2.10,<2.12"'),
);
const release = v.pipe(
  text,
  v.regex(/^[\w.-]+\/[\w.-]+(@\S+)?$/, 'a GitHub release such as "owner/name@v1.2"'),
);
/** An index, by its address or by its name in the table `indexes`. */
const indexOrName = v.union(
  [address, v.pipe(text, v.regex(/^[A-Za-z][\w-]*$/))],
  'an address (https://…) without a password, or a name of [indexes]',
);
const project = v.pipe(text, v.regex(/^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/, "a project's name"));
const rule = {
  version: v.optional(version),
  index: v.optional(indexOrName),
  release: v.optional(release),
  'ignore-requirements': v.optional(v.array(text, 'a list')),
};
const wheelSchema = closed({
  ...rule,
  skip: v.optional(v.boolean('true or false')),
  instead: v.optional(project),
  except: v.optional(
    v.array(
      closed({
        ...rule,
        cuda: v.optional(oneOrMore(...cudaForm)),
        python: v.optional(oneOrMore(...pythonForm)),
        system: v.optional(oneOrMore(...systemForm)),
        skip: v.optional(v.boolean('true or false')),
      }),
      'tables [[wheels.NAME.except]]',
    ),
  ),
});
type Rule = Pick<v.InferOutput<typeof wheelSchema>, keyof typeof rule>;
type WheelRules = v.InferOutput<typeof wheelSchema>;
/** The address of an index, or of the one that is used where none is named. */
type IndexOf = (named: string | undefined) => string;

const schema = closed({
  cuda: texts(...cudaForm),
  python: texts(...pythonForm),
  systems: v.optional(texts(...systemForm), ['x86_64-linux']),
  index: v.optional(indexOrName, 'https://download.pytorch.org/whl/{cuda}'),
  indexes: v.optional(v.record(text, address, 'a table'), {}),
  'package-index': v.optional(indexOrName, 'https://pypi.org/simple'),
  requirements: v.optional(v.array(v.pipe(text, v.minLength(1, 'a path')), 'a list of files'), []),
  provided: v.optional(
    v.union(
      [v.pipe(text, v.regex(/^[^#\s]*#[\w."-]+$/)), v.record(project, version, 'a table')],
      'an attribute of a flake such as ".#provided", or a table of projects with their versions',
    ),
  ),
  layers: v.optional(
    v.record(
      text,
      v.array(
        v.pipe(text, v.regex(/^[\w.-]+\*?$/, 'a name, or a pattern such as "nvidia-*"')),
        'a list',
      ),
      'a table',
    ),
  ),
  'github-api': v.optional(address, 'https://api.github.com'),
  wheels: v.optional(v.record(project, wheelSchema, 'a table'), {}),
  sources: v.optional(
    v.record(
      text,
      closed({
        url: v.pipe(text, v.check(isGitAddress, 'a Git address (https://…) without a password')),
        ref: v.pipe(text, v.regex(/^[^\s-][^\s]*$/, 'a branch, tag or commit')),
      }),
      'a table',
    ),
    {},
  ),
});

function isGitAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, password } = new URL(url);
  return ['https:', 'http:', 'ssh:', 'git:', 'file:'].includes(protocol) && password === '';
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
  const next = 'Correct the line; docs/prefetch.md lists the keys.';
  const document: Document = { file, text: content, value: parseToml(content, file), next };
  const asked = checkDocument(schema, document);
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

function parseToml(content: string, file: string): unknown {
  try {
    return parse(content);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const reason = cause.message.split('\n')[0]?.replace('Invalid TOML document: ', '');
    throw new Failure(`${file}:${cause.line}: this is no TOML: ${reason}.`, {
      evidence: cause.codeblock.split('\n').filter(line => line.trim() !== ''),
      next: 'Correct the line.',
      cause,
    });
  }
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

const exceptionsFor = ({ except = [] }: WheelRules, variant: Variant) =>
  except.filter(
    each =>
      matches(each.cuda, variant.cuda) &&
      matches(each.python, variant.python) &&
      matches(each.system, variant.system),
  );

/** Whether a variant goes without a project. */
const isSkipped = (rules: WheelRules, variant: Variant): boolean =>
  rules.instead !== undefined ||
  (exceptionsFor(rules, variant).findLast(({ skip }) => skip !== undefined)?.skip ??
    rules.skip ??
    false);

const skipFor = (
  name: string,
  rules: WheelRules,
  variant: Variant,
): [string, string | undefined][] =>
  isSkipped(rules, variant) ? [[name, rules.instead && normalizeName(rules.instead)]] : [];

const normalized = (table: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(table).map(([name, each]) => [normalizeName(name), each]));

/** The project's rules for a variant: its own, overlaid by each exception that matches. */
function wheelFor(
  name: string,
  rules: WheelRules,
  variant: Variant,
  indexOf: IndexOf,
): WantedWheel | undefined {
  if (isSkipped(rules, variant)) return undefined;
  const matching = exceptionsFor(rules, variant);
  let rule: Rule = rules;
  for (const { index, release: from, ...more } of matching) {
    const origin = index !== undefined || from !== undefined ? { index, release: from } : {};
    rule = { ...rule, ...origin, ...more } as Rule;
  }
  return {
    name,
    versions: specifierOf(rule.version ?? '') ?? '',
    origin: originOf(rule, variant, indexOf),
    ignoredRequirements: (rule['ignore-requirements'] ?? []).map(normalizeName),
  };
}

function matches(wanted: string | readonly string[] | undefined, value: string): boolean {
  return wanted === undefined || [wanted].flat().includes(value);
}

function originOf(rule: Rule, variant: Variant, indexOf: IndexOf): Origin {
  if (rule.release === undefined) {
    const url = fillIn(indexOf(rule.index), variant).replace(/\/+$/, '');
    return { kind: 'index', url };
  }
  const [repository = '', ...tag] = fillIn(rule.release, variant).split('@');
  return { kind: 'release', repository, tag: tag.length === 0 ? undefined : tag.join('@') };
}

/** What an index or a wheel says is of any length. */
export const isRange = (specifiers: string): boolean =>
  specifiers.length <= limits.requirement && validRange(specifiers);

/** A bare version means that very version; undefined for what is neither that nor a range. */
function specifierOf(written: string): string | undefined {
  const trimmed = written.trim();
  if (trimmed === '' || trimmed === '*') return '';
  if (valid(trimmed) !== null) return `==${trimmed}`;
  return validRange(trimmed) ? trimmed : undefined;
}

/** Whether a version is wanted. Releases that are not final are, where a specifier names one. */
export function isWanted(version: string, specifiers: string): boolean {
  if (valid(version) === null) return false;
  const prereleases = /\d(a|b|rc|\.?dev)\d/.test(specifiers);
  if (specifiers === '') return satisfies(version, '>=0', { prereleases });
  return satisfies(version, specifiers, { prereleases });
}

/** Whether specifiers name a version, be it before a release. */
export const isAmong = (version: string, specifiers: string): boolean =>
  valid(version) !== null && satisfies(version, specifiers || '>=0.dev0', { prereleases: true });

/** The origin as the lock writes it. */
export function describeOrigin(origin: Origin): string {
  if (origin.kind === 'index') return origin.url;
  return `github:${origin.repository}${origin.tag === undefined ? '' : `@${origin.tag}`}`;
}

/** Whether a Python is new enough (and old enough) for a wheel's `Requires-Python`. */
export function runsOn(requires: string | undefined, variant: Variant): boolean {
  if (requires === undefined || requires === '' || !isRange(requires)) return true;
  // bounds such as >=3.12.4 are about first releases: what is installed is newer
  return satisfies(`${variant.python}.99`, requires);
}

const unique = (entries: readonly string[]): string[] => [...new Set(entries)];
