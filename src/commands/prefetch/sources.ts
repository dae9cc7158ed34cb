import { Failure } from '../../host/failure.ts';
import { Unreachable } from '../../host/http/message.ts';
import type { OfferedFile } from '../../wheels/index-page.ts';
import { readLines } from '../../wheels/lists/read.ts';
import type { ArchivePin, SourcePin } from '../../wheels/lock.ts';
import { archiveIn, knownArchive, pinArchive } from '../../wheels/sources/archive.ts';
import { knownCheckout, pinSource } from '../../wheels/sources/git.ts';
import type { Variant } from '../../wheels/variant.ts';
import type { WantedArchive, WantedSource } from '../../wheels/wanted/source.ts';
import { anyVersion } from '../../wheels/wanted/wheel.ts';
import { fileNameOf, normalizeName } from '../../wheels/wheel-name.ts';
import { askPages } from './pages.ts';
import type { Findings, PrefetchRun } from './run.ts';

/** Name → pin, as the lock has them. */
export type SourcePins = Readonly<Record<string, SourcePin>>;

interface Found {
  name: string;
  pin: SourcePin;
  unknown?: string;
}

/**
 * Pins the sources whose requirements are asked for: those that lists name, those that are built, and
 * what these name in turn.
 */
export async function pinAsked(run: PrefetchRun): Promise<Findings<SourcePins>> {
  const { wanted } = run;
  const found = new Map<string, Found>();
  const byHand = new Set(wanted.sources.map(({ name }) => normalizeName(name)));
  const ofLists = wanted.variants.flatMap(variant => run.lists(variant).sources);
  let open = new Map([
    ...keyed(ofLists.filter(({ name }) => !byHand.has(name))),
    ...keyed(wanted.sources.filter(isAsked)),
  ]);
  while (open.size > 0) {
    const fresh = await Promise.all([...open.values()].map(source => findSource(source, run)));
    for (const each of fresh) found.set(normalizeName(each.name), each);
    const named = keyed(fresh.flatMap(each => namedBy(each, wanted.variants)));
    open = new Map(named.filter(([name]) => !found.has(name) && !byHand.has(name)));
  }
  return asFindings([...found.values()]);
}

/** Pins the sources of wheels.toml that are for the flake to use. */
export async function pinOthers(run: PrefetchRun): Promise<Findings<SourcePins>> {
  const others = run.wanted.sources.filter(source => !isAsked(source));
  return asFindings(await Promise.all(others.map(source => findSource(source, run))));
}

const isAsked = (source: WantedSource): boolean => source.kind === 'archive' || source.isAsked;

const keyed = <Source extends WantedSource>(sources: readonly Source[]) =>
  sources.map((source): [string, WantedSource] => [normalizeName(source.name), source]);

const namedBy = ({ name, pin }: Found, variants: readonly Variant[]): WantedSource[] =>
  variants.flatMap(variant => readLines(pin.requires ?? [], name, variant).sources);

function asFindings(found: readonly Found[]): Findings<SourcePins> {
  return {
    pins: Object.fromEntries(found.map(({ name, pin }) => [name, pin])),
    unknown: found.flatMap(({ unknown }) => unknown ?? []),
  };
}

/** Pins a source; what nobody tells stays as the lock has it. */
async function findSource(source: WantedSource, run: PrefetchRun): Promise<Found> {
  const { name } = source;
  const known = run.before?.sources[name];
  try {
    return { name, pin: await pinOf(source, known, run) };
  } catch (error) {
    const pin = keptPin(source, known);
    if (!(error instanceof Unreachable) || pin === undefined) throw error;
    return { name, pin, unknown: `${error.message} What the lock has stays as it is: ${name}.` };
  }
}

const pinOf = (
  source: WantedSource,
  known: SourcePin | undefined,
  run: PrefetchRun,
): Promise<SourcePin> =>
  source.kind === 'git'
    ? pinSource(source, known, run.settings.temporaryDirectory, run.host)
    : findArchive(source, known, run);

function keptPin(source: WantedSource, known: SourcePin | undefined): SourcePin | undefined {
  if (source.kind === 'git') return knownCheckout(source, known);
  if (known === undefined || 'rev' in known) return undefined;
  const { from } = source;
  return 'url' in from || known.version === from.version ? known : undefined;
}

async function findArchive(
  source: WantedArchive,
  known: SourcePin | undefined,
  run: PrefetchRun,
): Promise<ArchivePin> {
  const file = await offeredArchive(source, run);
  const pinned = knownArchive(file, known);
  if (pinned !== undefined) return pinned;
  if (!run.settings.check) return pinArchive(source, file, run.downloads.hash);
  throw new Failure(`${run.settings.lockFile} is stale.`, {
    evidence: [`it lacks ${file.filename} of the source ${source.name}`],
    next: 'Run comfy-nix prefetch and commit the lock.',
  });
}

async function offeredArchive(
  { name, from }: WantedArchive,
  run: PrefetchRun,
): Promise<OfferedFile & { source?: string }> {
  if ('url' in from) return { filename: fileNameOf(from.url), ...from };
  const wheel = anyVersion(normalizeName(name), from.index);
  const wants = run.wanted.variants.slice(0, 1).map(variant => ({ variant, wheel }));
  const listings = await askPages(wants, run);
  return archiveIn(listings.of(wheel), name, from.version);
}
