import { rm } from 'node:fs/promises';
import { Failure } from '../../host/failure.ts';
import type { Unreachable } from '../../host/http/message.ts';
import { notice } from '../../host/say.ts';
import { newTemporaryFolder } from '../../host/temporary.ts';
import { type Choice, choose, chooseAll, type Gap } from '../../wheels/choose.ts';
import type { OfferedFile } from '../../wheels/index-page.ts';
import { askAll, type Want } from '../../wheels/listings.ts';
import { type Asked, exactVersion } from '../../wheels/lists/asked.ts';
import { allPins, pinOf } from '../../wheels/lock.ts';
import { metadataOf } from '../../wheels/metadata.ts';
import { type LockedPackage, readPylock } from '../../wheels/resolve/pylock.ts';
import type { AskedFor, Question } from '../../wheels/resolve/question.ts';
import { askUv, type Uv } from '../../wheels/resolve/uv.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import type { WantedWheel } from '../../wheels/wanted.ts';
import { fileNameOf, normalizeName } from '../../wheels/wheel-name.ts';
import { gitHubAccess } from './github.ts';
import type { PrefetchRun } from './run.ts';

type Results = (Choice | Gap)[];

/** What a variant is resolved from. */
export interface Asking {
  variant: Variant;
  /** Of wheels.toml. */
  rules: readonly WantedWheel[];
  /** Of lists, without what is skipped or there already. */
  asked: readonly Asked[];
  /** Of pylock.toml and uv.lock. */
  locked: readonly Choice[];
}

/** What wheels.toml and the lists ask for in a variant. */
export function askingFor(variant: Variant, run: PrefetchRun): Asking {
  const lists = run.lists(variant);
  const [skipped, provided] = [run.wanted.skipped(variant), run.provided(variant)];
  const locked = lists.locked.flatMap(({ name, text }) =>
    readPylock(text, name, variant)
      .filter(each => !skipped.has(each.name) && !provided.has(each.name))
      .map(each => choiceOf(each, variant, run)),
  );
  const isThere = new Set([
    ...locked.map(({ wheel }) => wheel.name),
    ...skipped.keys(),
    ...provided.keys(),
    ...sourcesOf(variant, run),
  ]);
  const named = new Set(run.wanted.wheels(variant).map(({ name }) => name));
  const instead = [...skipped.values()].flatMap(name =>
    name === undefined || named.has(name) ? [] : [ruleOf(name, variant, run)],
  );
  const rules = [...run.wanted.wheels(variant), ...instead].filter(
    ({ name }) => !isThere.has(name),
  );
  const asked = lists.requirements.filter(({ name }) => !isThere.has(name));
  return { variant, rules, asked, locked };
}

/** Projects that are built from source. */
export const sourcesOf = (variant: Variant, { wanted, lists }: PrefetchRun): string[] =>
  [...wanted.sources, ...lists(variant).sources].map(({ name }) => normalizeName(name));

const ruleOf = (name: string, variant: Variant, run: PrefetchRun): WantedWheel => ({
  ...{ name, versions: '', ignoredRequirements: [] },
  origin: { kind: 'index', url: run.wanted.packageIndex(variant) },
});

/**
 * The wheels of a variant where every version is pinned with `==`: nobody has to choose. Undefined where
 * that is not so.
 */
export async function resolveExact(asking: Asking, run: PrefetchRun): Promise<Results | undefined> {
  const { variant, rules, asked, locked } = asking;
  const isPinned = ({ versions }: { versions: string }) => exactVersion(versions) !== undefined;
  const fromIndexes = rules.filter(({ origin }) => origin.kind === 'index');
  const listed = asked.filter(({ url }) => url === undefined);
  if (![...fromIndexes, ...listed].every(isPinned)) return undefined;
  const ruled = new Set(rules.map(({ name }) => name));
  const unruled = listed.filter(({ name }) => !ruled.has(name));
  const wants = [
    ...rules,
    ...unruled.map(each => ({ ...ruleOf(each.name, variant, run), versions: each.versions })),
  ].map((wheel): Want => ({ variant, wheel }));
  const listings = await askAll(wants, run.web, gitHubAccess(run), run.host, run.pages);
  const results = chooseAll(wants, listings, each => pinOf(run.before, each, 'torch')?.version);
  const direct = asked.flatMap(each => directChoice(each, asking, run) ?? []);
  return [...locked, ...direct, ...results].map(withMetadata);
}

/** All that a wheel requires has to be known. */
function withMetadata<Result extends Choice | Gap>(result: Result): Result {
  if (result.kind !== 'chosen') return result;
  const { file } = result;
  return { ...result, file: { ...file, metadata: file.metadata ?? metadataOf(file.url) } };
}

/** A wheel that a list names by its address. */
function directChoice(asked: Asked, { variant }: Asking, run: PrefetchRun): Choice | undefined {
  const { name, url } = asked;
  if (url === undefined) return undefined;
  const filename = fileNameOf(url);
  const version = filename.split('-')[1] ?? '';
  const [sha256] = asked.hashes;
  const file: OfferedFile = { filename, url, sha256 };
  const wheel = { ...ruleOf(name, variant, run), versions: `===${version}` };
  return { kind: 'chosen', variant, wheel, file, version, source: folderOf(url) };
}

const folderOf = (url: string) => new URL('.', url).href.replace(/\/+$/, '');

/**
 * The wheels of a variant as uv chooses their versions.
 * Rejects with a {@link Failure} in uv's words where versions do not go together.
 */
export async function resolveByUv(asking: Asking, uv: Uv, run: PrefetchRun): Promise<Resolved> {
  const { variant, rules, locked } = asking;
  const releases = rules.filter(({ origin }) => origin.kind === 'release');
  const wants = releases.map((wheel): Want => ({ variant, wheel }));
  const listings = await askAll(wants, run.web, gitHubAccess(run), run.host, run.pages);
  const exactTorch = exactVersion(versionsOf('torch', asking));
  const ask = (fromReleases: Results) => answerOf(asking, fromReleases, uv, run);
  // wheels of releases are made for one PyTorch, whose version has to be known before
  const first = exactTorch === undefined && wants.length > 0 ? await ask([]) : undefined;
  const torch = exactTorch ?? first?.packages.find(({ name }) => name === 'torch')?.version;
  const fromReleases = wants.map(want =>
    withMetadata(choose(want, listings.of(want.wheel), torch)),
  );
  const { packages, noWheels } =
    first && fromReleases.length === 0 ? first : await ask(fromReleases);
  const taken = new Set([...fromReleases, ...locked].map(({ wheel }) => wheel.name));
  const chosen = packages
    .filter(({ name }) => !taken.has(name))
    .map(each => choiceOf(each, variant, run, asking));
  return { results: [...locked, ...fromReleases, ...chosen], noWheels };
}

/** What came of a variant. */
export interface Resolved {
  results: Results;
  /** Projects without a wheel that could be used, and what uv said of them. */
  noWheels: { project: string; said: string[] }[];
}

const versionsOf = (name: string, { rules, asked }: Asking): string =>
  [...rules, ...asked].find(each => each.name === name && each.versions !== '')?.versions ?? '';

interface Answer {
  packages: LockedPackage[];
  noWheels: Resolved['noWheels'];
}

/** Asks again without what has no wheel, so that all of it is told at once. */
async function answerOf(
  asking: Asking,
  fromReleases: Results,
  uv: Uv,
  run: PrefetchRun,
): Promise<Answer> {
  const { variant } = asking;
  const noWheels: Resolved['noWheels'] = [];
  const folder = await newTemporaryFolder('resolve-', run.host.env);
  try {
    for (;;) {
      const left = noWheels.map(({ project }) => project);
      const question = questionOf(asking, fromReleases, left, run);
      const answer = await askUv(question, uv, folder, run.host);
      if (answer.kind === 'resolved') {
        return { packages: readPylock(answer.pylock, 'the answer of uv', variant), noWheels };
      }
      const fresh =
        answer.kind === 'no-wheels' ? answer.projects.filter(each => !left.includes(each)) : [];
      if (fresh.length === 0) {
        if (noWheels.length > 0) return { packages: [], noWheels };
        throw noSolution(answer.said, asking);
      }
      noWheels.push(...fresh.map(project => ({ project, said: answer.said })));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function questionOf(
  asking: Asking,
  fromReleases: Results,
  without: readonly string[],
  run: PrefetchRun,
): Question {
  const { variant, rules, asked, locked } = asking;
  const lists = run.lists(variant);
  const packageIndex = run.wanted.packageIndex(variant);
  const provided = [...run.provided(variant)];
  const known = provided.flatMap(([name, version]) =>
    version === undefined ? [] : [[name, version] as const],
  );
  const held = fromReleases.filter(({ kind }) => kind !== 'chosen').map(({ wheel }) => wheel.name);
  const excludes = [
    ...[...without, ...held, ...run.wanted.skipped(variant).keys(), ...sourcesOf(variant, run)],
    ...provided.flatMap(([name, version]) => (version === undefined ? [name] : [])),
  ];
  const isLeft = (name: string) => excludes.includes(name);
  const indexed = rules.filter(({ name, origin }) => origin.kind === 'index' && !isLeft(name));
  const requirements: AskedFor[] = [
    ...indexed.map(wheel => askedFor(wheel, packageIndex)),
    ...asked
      .filter(({ name }) => !isLeft(name))
      .map(each => ({ name: each.name, text: textOf(each) })),
    ...[...fromReleases, ...locked].flatMap(each =>
      each.kind === 'chosen'
        ? [{ name: each.wheel.name, text: each.wheel.name, from: { url: each.file.url } }]
        : [],
    ),
  ];
  const ignored = new Set(rules.flatMap(({ ignoredRequirements }) => ignoredRequirements));
  return {
    ...{ variant, requirements, packageIndex, provided: new Map(known), excludes },
    constraints: lists.constraints.map(each => `${each.name}${each.versions}`),
    overrides: [...ignored].map(name => `${name}${versionsOf(name, asking)}`),
    indexes: lists.indexes,
  };
}

/** Without the marker, which holds. */
const textOf = ({ name, extras, versions, url }: Asked): string =>
  `${name}${extras.length > 0 ? `[${extras}]` : ''}${url === undefined ? versions : ` @ ${url}`}`;

function askedFor({ name, versions, origin }: WantedWheel, packageIndex: string): AskedFor {
  const text = `${name}${versions}`;
  const isUsual = origin.kind !== 'index' || origin.url === packageIndex;
  return isUsual ? { name, text } : { name, text, from: { index: origin.url } };
}

/** Of the wheels of one version the one that suits best. */
function choiceOf(
  { name, version, files, index, isDirect }: LockedPackage,
  variant: Variant,
  run: PrefetchRun,
  asking?: Asking,
): Choice {
  const asked = asking?.asked.filter(each => each.name === name) ?? [];
  const hashes = asked.flatMap(each => each.hashes);
  const allowed = isDirect
    ? files.map(file => ({ ...file, sha256: undefined }))
    : hashes.length === 0
      ? files
      : files.filter(({ sha256 }) => sha256 !== undefined && hashes.includes(sha256));
  const rule = asking?.rules.find(each => each.name === name);
  const url = indexOf({ index, rule, files, variant, isDirect }, run);
  const { ignoredRequirements } = rule ?? ruleOf(name, variant, run);
  const wheel: WantedWheel = {
    ...{ name, versions: `===${version}`, ignoredRequirements },
    origin: { kind: 'index', url },
  };
  const result = choose(
    { variant, wheel },
    { kind: 'files', files: allowed, source: url },
    undefined,
  );
  if (result.kind === 'chosen') return { ...result, isResolved: true };
  const places = asked.map(({ place, text }) => `${place}: ${text}`);
  throw new Failure(`No wheel of ${name} ${version} suits ${describeVariant(variant)}.`, {
    evidence: [...places, result.reason],
    next:
      hashes.length > 0 ? 'Add the hash of a wheel for it to the line.' : 'Choose another version.',
  });
}

interface WhereFrom {
  index: string | undefined;
  rule: WantedWheel | undefined;
  files: readonly OfferedFile[];
  variant: Variant;
  isDirect: boolean;
}

/** The index that a package is from, as wheels.toml and the lists name it. */
function indexOf({ index, rule, files, variant, isDirect }: WhereFrom, run: PrefetchRun): string {
  const [first] = files;
  if (isDirect && first !== undefined) return folderOf(first.url);
  if (rule?.origin.kind === 'index') return rule.origin.url;
  if (index !== undefined) return index;
  const host = URL.parse(first?.url ?? '')?.host;
  const other = run.lists(variant).indexes.find(each => URL.parse(each)?.host === host);
  return other ?? run.wanted.packageIndex(variant);
}

/** uv's own words, with the lines that they are about. */
function noSolution(said: readonly string[], { variant, rules, asked }: Asking): Failure {
  const text = said.join(' ').toLowerCase();
  const isNamed = ({ name }: { name: string }) =>
    new RegExp(`(?<![\\w-])${name.replaceAll('-', '[-_.]')}(?![\\w-])`).test(text);
  const lines = [
    ...asked.filter(isNamed).map(({ place, text: line }) => `${place}: ${line}`),
    ...rules.filter(isNamed).map(({ name, versions }) => `wheels.toml: ${name} ${versions}`),
  ];
  return new Failure(
    `No versions go together for ${describeVariant(variant)}. The lock was left as it is.`,
    {
      evidence: [...said.map(line => line.replace(/^(error|cause): /, '')), ...new Set(lines)],
      tried: 'uv looked for versions that meet all lists, wheels.toml and what nixpkgs provides.',
      next: text.includes('no usable wheels')
        ? 'Change one of these lines, or go without what has no wheel: [wheels.NAME] skip = true.'
        : 'Change one of these lines.',
    },
  );
}

/** What uv could not be asked, where an index did not answer: the lock's pins, or what is missing. */
export function unanswered(asking: Asking, error: Unreachable, run: PrefetchRun): Gap[] {
  const { variant, rules, asked, locked } = asking;
  const there = new Set(locked.map(({ wheel }) => wheel.name));
  const pins = allPins(run.before ?? { version: 1, wheels: {}, sources: {} })
    .filter(each => describeVariant(each.variant) === describeVariant(variant))
    .filter(({ name }) => !there.has(name));
  const names = new Set([...pins, ...rules, ...asked].map(({ name }) => name));
  return [...names].map(name => {
    const wheel = rules.find(each => each.name === name) ?? ruleOf(name, variant, run);
    const versions = versionsOf(name, asking);
    return { kind: 'unreachable', variant, wheel: { ...wheel, versions }, reason: error.message };
  });
}

/** Says what uv is asked for. */
export function sayAsked(askings: readonly Asking[], run: PrefetchRun): void {
  const lines = new Set(askings.flatMap(({ asked }) => asked.map(({ place }) => place)));
  const message = `Asking uv for the versions of ${lines.size} lines in ${askings.length} variants`;
  notice(run.host, message);
}
