import { Failure } from '../../host/failure.ts';
import { type Choice, choose } from '../../wheels/choose.ts';
import type { OfferedFile } from '../../wheels/index-page.ts';
import type { Asked } from '../../wheels/lists/asked.ts';
import type { LockedPackage } from '../../wheels/resolve/pylock.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import { anyVersion, type WantedWheel } from '../../wheels/wanted/wheel.ts';
import { fileNameOf } from '../../wheels/wheel-name.ts';
import type { PrefetchRun } from './run.ts';

/** Who asks for packages, and may say what files they are to be. */
export interface Askers {
  variant: Variant;
  /** Of wheels.toml. */
  rules: readonly WantedWheel[];
  /** Of lists, without what is skipped or there already. */
  asked: readonly Asked[];
}

/**
 * Of the wheels of a package whose version was chosen, the one that suits the variant best.
 * @throws Failure where none suits
 */
export function fileOf(locked: LockedPackage, askers: Askers, run: PrefetchRun): Choice {
  const { name, version } = locked;
  const { variant, rules } = askers;
  const url = indexOf(locked, askers, run);
  const rule = rules.find(each => each.name === name) ?? anyVersion(name, url);
  const { ignoredRequirements } = rule;
  const wheel = { ...anyVersion(name, url), versions: `===${version}`, ignoredRequirements };
  const files = allowedFiles(locked, askers);
  const result = choose({ variant, wheel }, { kind: 'files', files, source: url }, undefined);
  if (result.kind === 'chosen') return { ...result, isResolved: true };
  throw unsuitable(locked, askers, result.reason);
}

/** Those that a list's hashes allow; what has no index is hashed by its download. */
function allowedFiles({ name, files, isDirect }: LockedPackage, askers: Askers): OfferedFile[] {
  if (isDirect) return files.map(file => ({ ...file, sha256: undefined }));
  const hashes = hashesOf(name, askers);
  const isAllowed = ({ sha256 }: OfferedFile) => sha256 !== undefined && hashes.includes(sha256);
  return files.filter(file => hashes.length === 0 || isAllowed(file));
}

const hashesOf = (name: string, { asked }: Askers): string[] =>
  asked.filter(each => each.name === name).flatMap(({ hashes }) => hashes);

/** The index that a package is from, as wheels.toml and the lists name it. */
function indexOf(
  { name, index, files: [first], isDirect }: LockedPackage,
  { variant, rules }: Askers,
  run: PrefetchRun,
): string {
  if (isDirect && first !== undefined) return folderOf(first.url);
  const rule = rules.find(each => each.name === name);
  if (rule?.origin.kind === 'index') return rule.origin.url;
  if (index !== undefined) return index;
  const host = URL.parse(first?.url ?? '')?.host;
  const other = run.lists(variant).indexes.find(each => URL.parse(each)?.host === host);
  return other ?? run.wanted.packageIndex(variant);
}

/** A wheel that a list names by its address. */
export function directFile(
  { name, hashes: [sha256] }: Asked,
  url: string,
  variant: Variant,
): Choice {
  const filename = fileNameOf(url);
  const version = filename.split('-')[1] ?? '';
  const source = folderOf(url);
  const wheel: WantedWheel = { ...anyVersion(name, source), versions: `===${version}` };
  return { kind: 'chosen', variant, wheel, file: { filename, url, sha256 }, version, source };
}

const folderOf = (url: string) => new URL('.', url).href.replace(/\/+$/, '');

function unsuitable({ name, version }: LockedPackage, askers: Askers, reason: string): Failure {
  const { variant, asked } = askers;
  const places = asked.filter(each => each.name === name);
  const isHashed = hashesOf(name, askers).length > 0;
  return new Failure(`No wheel of ${name} ${version} suits ${describeVariant(variant)}.`, {
    evidence: [...places.map(({ place, text }) => `${place}: ${text}`), reason],
    next: isHashed ? 'Add the hash of a wheel for it to the line.' : 'Choose another version.',
  });
}
