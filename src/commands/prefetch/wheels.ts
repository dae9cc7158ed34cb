import { Failure } from '../../host/failure.ts';
import { notice } from '../../host/say.ts';
import type { Choice, Gap } from '../../wheels/choose.ts';
import { type Fitting, findClashes } from '../../wheels/fit.ts';
import type { Asked } from '../../wheels/lists/asked.ts';
import { pinOf, sriOf } from '../../wheels/lock.ts';
import { metadataOf } from '../../wheels/metadata.ts';
import {
  needsDownload,
  type Pinned,
  pinAll,
  sharedNames,
  withWhatIsKnown,
} from '../../wheels/pin.ts';
import { describeVariant } from '../../wheels/variant.ts';
import { isAllowed } from '../../wheels/versions.ts';
import { fileNameOf } from '../../wheels/wheel-name.ts';
import { isWhole } from './asking.ts';
import { chooseWheels, fittingChoice, type Result } from './choices.ts';
import type { Findings, PrefetchRun } from './run.ts';
import { withTrees } from './trees.ts';
import { type CompletenessOf, followAll, refuseIncomplete } from './whole.ts';

/**
 * Pins the wheels of all variants.
 * @throws Failure that names what is missing, what has changed, or what does not go together
 */
export async function pinWheels(run: PrefetchRun): Promise<Findings<Pinned[]>> {
  const { before, downloads, host, settings } = run;
  const results = await chooseWheels(run);
  const choices = results.filter(result => result.kind === 'chosen');
  const gaps = results.flatMap(result =>
    result.kind === 'missing' || result.kind === 'unreachable' ? [result] : [],
  );
  const kept = results.flatMap(result => keptPin(result, run) ?? []);
  const lost = gaps.filter(gap => keptPin(gap, run) === undefined);
  if (lost.length > 0) throw missing(lost, run);
  const checked = await checkSet(results, run);
  const { unread } = checked;
  if (settings.check) refuseUnpinned(choices, run);
  const fresh = await pinAll(choices, before, downloads.hash);
  refuseOtherFiles(fresh, run);
  const known = withWhatIsKnown([...fresh, ...kept], before);
  const { pins, unknown } = await withTrees(withReasons(known, checked, run), run);
  for (const message of sharedNames(pins)) {
    notice(host, message);
  }
  const untold =
    unread > 0 && settings.check ? [`${unread} files METADATA could not be read.`] : [];
  return { pins, unknown: [...describeKept(gaps), ...untold, ...unknown] };
}

/** A check downloads nothing: a file that the lock does not have is the answer. */
function refuseUnpinned(choices: readonly Choice[], { before, settings }: PrefetchRun): void {
  const fresh = choices.filter(choice => needsDownload(choice, before));
  if (fresh.length === 0) return;
  throw new Failure(`${settings.lockFile} is stale.`, {
    evidence: fresh.map(
      ({ variant, file }) => `it lacks ${file.filename} (${describeVariant(variant)})`,
    ),
    next: 'Run comfy-nix prefetch and commit the lock.',
  });
}

/** What nobody tells stays as the lock has it, as long as it is what is wanted. */
function keptPin(result: Result, { before }: PrefetchRun): Pinned | undefined {
  if (result.kind === 'held') {
    const { variant, name, pin } = result;
    return { variant, name, pin };
  }
  if (result.kind !== 'unreachable') return undefined;
  const { variant, wheel } = result;
  const pin = pinOf(before, variant, wheel.name);
  const isUsable = pin && isAllowed(pin.version, wheel.versions);
  return isUsable ? { variant, name: wheel.name, pin } : undefined;
}

/** Before anything is downloaded: a set that does not fit, or lacks something, is of no use. */
async function checkSet(results: readonly Result[], run: PrefetchRun): Promise<Checked> {
  const wheels = results.flatMap(result => fitting(result, run) ?? []);
  const { texts, unread } = await run.readMetadata(wheels);
  const clashes = findClashes(wheels, texts);
  if (clashes.length > 0) {
    throw new Failure('The wheels do not fit together. The lock was left as it is.', {
      evidence: clashes,
      tried: "The wheels' tags, CUDA versions and requirements were compared.",
      next:
        'Change a version in wheels.toml; where you know better, name the other project in ' +
        'ignore-requirements.',
    });
  }
  const found = followAll(wheels, texts, run);
  if (wheels.some(({ variant }) => isWhole(variant, run))) refuseIncomplete(found);
  const untold = wheels.filter(wheel => !texts.has(wheel));
  return { found, unread, untold: Map.groupBy(untold, ({ variant }) => describeVariant(variant)) };
}

/** What is known of a set that fits. */
interface Checked {
  found: CompletenessOf;
  /** Wheels of which no server told the METADATA. */
  unread: number;
  /** By variant, those whose METADATA nobody has. */
  untold: ReadonlyMap<string, readonly Fitting[]>;
}

function fitting(result: Result, run: PrefetchRun): Fitting | undefined {
  const pinned = keptPin(result, run);
  if (pinned === undefined) return fittingChoice(result);
  const { variant, name, pin } = pinned;
  const ignoredRequirements =
    result.kind === 'held'
      ? result.ignoredRequirements
      : 'wheel' in result
        ? result.wheel.ignoredRequirements
        : [];
  const isResolved = result.kind === 'held' && result.isResolved;
  const { version, url } = pin;
  const metadata = isResolved ? metadataOf(url) : undefined;
  const filename = fileNameOf(url);
  return { variant, name, filename, version, metadata, ignoredRequirements, isResolved };
}

/**
 * Adds the layer, and who requires it, where lists are; leaves out what a check finds that nobody
 * requires any more.
 */
function withReasons(
  pinned: readonly Pinned[],
  { found, untold }: Checked,
  run: PrefetchRun,
): Pinned[] {
  return pinned.flatMap(({ variant, name, pin }) => {
    const { layer: _, requiredBy: __, ...rest } = pin;
    const layer = run.wanted.layerOf(name);
    const fields = { ...rest, ...(layer === undefined ? {} : { layer }) };
    if (!run.lists(variant).any) return [{ variant, name, pin: fields }];
    const key = describeVariant(variant);
    // what a wheel requires that does not tell it is what it was known to require
    const silent = new Set(untold.get(key)?.map(wheel => wheel.name));
    const before = pinOf(run.before, variant, name)?.requiredBy ?? [];
    const told = found.get(key)?.requiredBy.get(name) ?? [];
    const requiredBy = [...new Set([...told, ...before.filter(each => silent.has(each))])].sort();
    if (run.settings.check && silent.size === 0 && requiredBy.length === 0) return [];
    return [
      { variant, name, pin: { ...fields, ...(requiredBy.length > 0 ? { requiredBy } : {}) } },
    ];
  });
}

/** A list may name the hashes of the files that it means. */
function refuseOtherFiles(fresh: readonly Pinned[], run: PrefetchRun): void {
  const isOther = ({ name, pin }: Pinned, { name: of, hashes }: Asked) =>
    of === name && hashes.length > 0 && !hashes.some(hex => sriOf(hex) === pin.hash);
  const wrong = fresh.flatMap(each =>
    run
      .lists(each.variant)
      .requirements.filter(asked => isOther(each, asked))
      .map(
        ({ place, text }) => `${place}: ${text}: ${fileNameOf(each.pin.url)} has ${each.pin.hash}`,
      ),
  );
  if (wrong.length === 0) return;
  throw new Failure('Files have other hashes than the lists name. The lock was left as it is.', {
    evidence: wrong,
    next: 'Find out why before you trust them, or name the hash of the wheel for this platform, too.',
  });
}

/** Projects that one reason is told of by their names. */
const namedWheels = 5;

function missing(gaps: readonly Gap[], { before, settings }: PrefetchRun): Failure {
  const lines = [...Map.groupBy(gaps, gap => gap.reason)].flatMap(([reason, same]) => {
    const names = [...new Set(same.map(({ wheel }) => wheel.name))];
    if (names.length > namedWheels) return `${names.length} projects: ${reason}`;
    return names.map(name => {
      const ofName = same.filter(({ wheel }) => wheel.name === name);
      const places = ofName.map(({ variant }) => describeVariant(variant)).join('; ');
      const isGone = ofName.some(gap => isVanished(gap, before));
      return `${name} (${places}): ${reason}${isGone ? " The lock's own file has vanished." : ''}`;
    });
  });
  return new Failure('Not every wheel can be had. The lock was left as it is.', {
    evidence: lines,
    next: gaps.every(({ kind }) => kind === 'unreachable')
      ? 'Run it again where these servers can be reached; the lock does not have these wheels yet.'
      : `Correct ${settings.wheelsFile}: another version or origin, or an exception with ` +
        'skip = true for these variants.',
  });
}

/** Whether the lock has a wheel that is still wanted, and which its origin has no more. */
function isVanished({ kind, variant, wheel }: Gap, before: PrefetchRun['before']): boolean {
  const pin = pinOf(before, variant, wheel.name);
  return kind === 'missing' && pin !== undefined && isAllowed(pin.version, wheel.versions);
}

function describeKept(gaps: readonly Gap[]): string[] {
  return [...Map.groupBy(gaps, ({ reason }) => reason)].map(([reason, same]) => {
    const names = [...new Set(same.map(({ wheel }) => wheel.name))].join(', ');
    return `${reason} What the lock has stays as it is: ${names}.`;
  });
}
