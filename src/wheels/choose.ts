import { compare, valid } from '@renovatebot/pep440';
import { nearest } from '../host/nearest.ts';
import type { Listing, OfferedFile } from './index-page.ts';
import type { Listings, Want } from './listings.ts';
import { suits } from './local-version.ts';
import { tagRank } from './tags.ts';
import { describeVariant, pythonTag, type Variant } from './variant.ts';
import { isAllowed, publicVersion, runsOn } from './versions.ts';
import { describeOrigin, type WantedWheel } from './wanted/wheel.ts';
import { compareBuilds, parseWheelName, type WheelName } from './wheel-name.ts';

/** A file that was chosen. */
export interface Choice extends Want {
  kind: 'chosen';
  file: OfferedFile;
  version: string;
  /** As the lock writes it. */
  source: string;
  /** Whether its requirements were met by who chose the version. */
  isResolved?: boolean;
}

/** A wheel that could not be had. */
export interface Gap extends Want {
  /** Nobody told: a pin that the lock has may be kept. Missing: there is no such wheel. */
  kind: 'missing' | 'unreachable';
  /** As sentences. */
  reason: string;
}

interface Candidate {
  file: OfferedFile;
  wheel: WheelName;
  /** Undefined: not for this Python or platform. */
  rank: number | undefined;
}

/**
 * Chooses the wheels of all variants; each variant's PyTorch first, since others are made for it.
 * @param knownTorch PyTorch's version in a variant, for when nobody tells it now
 */
export function chooseAll(
  wants: readonly Want[],
  listings: Listings,
  knownTorch: (variant: Variant) => string | undefined,
): (Choice | Gap)[] {
  const torch = new Map<string, string | undefined>();
  const results = new Map<Want, Choice | Gap>();
  for (const isTorch of [true, false]) {
    for (const want of wants.filter(({ wheel }) => (wheel.name === 'torch') === isTorch)) {
      const key = describeVariant(want.variant);
      const result = choose(want, listings.of(want.wheel), torch.get(key));
      results.set(want, result);
      if (!isTorch) continue;
      torch.set(key, result.kind === 'chosen' ? result.version : knownTorch(want.variant));
    }
  }
  return wants.flatMap(want => results.get(want) ?? []);
}

/**
 * The wheel of a listing, of the one version that is wanted: the one that is made most closely for the
 * variant, then the newest build. Where several versions are wanted, none is chosen.
 * @param torch the version of PyTorch that it has to go with, where that is known
 */
export function choose(want: Want, listing: Listing, torch: string | undefined): Choice | Gap {
  if (listing.kind !== 'files') {
    const kind = listing.kind === 'absent' ? 'missing' : 'unreachable';
    return { ...want, kind, reason: listing.reason };
  }
  const { variant, wheel } = want;
  const all = candidates(listing.files, wheel, variant);
  const fitting = all.filter(
    ({ rank, wheel: { version } }) => rank !== undefined && suits(version, variant, torch),
  );
  const wanted = fitting.filter(({ wheel: { version } }) => isAllowed(version, wheel.versions));
  const several = severalVersions(wheel, wanted);
  if (several !== undefined) return { ...want, kind: 'missing', reason: several };
  const best = wanted.toSorted(byPreference).at(-1);
  if (best !== undefined) {
    const { file } = best;
    return { ...want, kind: 'chosen', file, version: best.wheel.version, source: listing.source };
  }
  return { ...want, kind: 'missing', reason: explain(want, listing.files, all, fitting, torch) };
}

/** That a listing leaves a choice between versions, which is the user's: a release, as a rule, has one. */
function severalVersions({ name, origin }: WantedWheel, wanted: readonly Candidate[]) {
  const versions = wanted.map(({ wheel: { version } }) => publicVersion(version)).sort(compare);
  const [first, newest] = [versions[0], versions.at(-1)];
  if (first === undefined || newest === undefined || compare(first, newest) === 0) return undefined;
  const which = [...new Set(versions)].join(', ');
  const from = describeOrigin(origin);
  return `${from} has several versions of ${name}, ${which}; write one, version = "==${newest}".`;
}

function candidates(
  files: readonly OfferedFile[],
  { name }: WantedWheel,
  variant: Variant,
): Candidate[] {
  return files.flatMap(file => {
    const wheel = parseWheelName(file.filename);
    // old projects have file names that are no versions by today's rules
    if (wheel?.project !== name || valid(wheel.version) === null) return [];
    const rank = runsOn(file.requiresPython, variant) ? tagRank(wheel, variant) : undefined;
    return [{ file, wheel, rank }];
  });
}

/** Local parts of one version first: they say what it is made for. */
function byPreference(a: Candidate, b: Candidate): number {
  return (
    compare(a.wheel.version, b.wheel.version) ||
    Number(b.file.yanked ?? false) - Number(a.file.yanked ?? false) ||
    (a.rank ?? 0) - (b.rank ?? 0) ||
    compareBuilds(a.wheel.build, b.wheel.build)
  );
}

/** Why nothing could be chosen, and the nearest that exists. */
function explain(
  { variant, wheel }: Want,
  files: readonly OfferedFile[],
  all: readonly Candidate[],
  fitting: readonly Candidate[],
  torch: string | undefined,
): string {
  const from = describeOrigin(wheel.origin);
  if (all.length === 0) return noWheels(wheel, files, from);
  if (fitting.length > 0) {
    const near = nearestVersion(wheel.versions, fitting);
    return `${from} has no ${wheel.name} ${wheel.versions} for it; the nearest is ${near}.`;
  }
  const wanted = all.filter(({ wheel: { version } }) => isAllowed(version, wheel.versions));
  const near = wanted.length > 0 ? wanted : all;
  const made = torch === undefined ? '' : ` and PyTorch ${torch}`;
  const guess = nearest(
    idealName(wheel, variant),
    near.map(({ file }) => file.filename),
  );
  return `${from} has no wheel of ${wheel.name} for this variant${made}; the nearest is ${guess}.`;
}

function noWheels({ name }: WantedWheel, files: readonly OfferedFile[], from: string): string {
  const projects = [
    ...new Set(files.flatMap(file => parseWheelName(file.filename)?.project ?? [])),
  ];
  const isSource = files.some(({ filename }) => /\.(tar\.gz|zip)$/.test(filename));
  if (projects.length > 0) return `${from} has wheels of ${projects.join(', ')}, none of ${name}.`;
  const instead = isSource ? 'source archives only, which prefetch does not build' : 'no wheels';
  return `${from} has ${instead} of ${name}.`;
}

/** What the file would be called: its nearest neighbour tells most about what is missing. */
function idealName({ name, versions }: WantedWheel, variant: Variant): string {
  const tag = pythonTag(variant);
  const [version = ''] = /\d+(\.\d+)*/.exec(versions) ?? [];
  const platform = `manylinux_2_28_${variant.system.split('-')[0]}`;
  return `${name.replaceAll('-', '_')}-${version}+${variant.cuda}-${tag}-${tag}-${platform}.whl`;
}

/** The version nearest to the first one that the specifiers name. */
function nearestVersion(specifiers: string, fitting: readonly Candidate[]): string {
  const [named = '0'] = /\d+(\.\d+)*/.exec(specifiers) ?? [];
  const versions = [...new Set(fitting.map(({ wheel }) => wheel.version))].sort(compare);
  const above = versions.find(version => compare(version, named) > 0);
  const below = versions.findLast(version => compare(version, named) <= 0);
  return [below, above].filter(version => version !== undefined).join(' or ');
}
