import { Failure } from '../../host/failure.ts';
import { notice } from '../../host/say.ts';
import { type Choice, chooseAll, type Gap } from '../../wheels/choose.ts';
import { type Fitting, findClashes } from '../../wheels/fit.ts';
import { allWants, askAll } from '../../wheels/listings.ts';
import { pinOf } from '../../wheels/lock.ts';
import {
  needsDownload,
  type Pinned,
  pinAll,
  sharedNames,
  withWhatIsKnown,
} from '../../wheels/pin.ts';
import type { GitHubAccess } from '../../wheels/releases.ts';
import { describeVariant } from '../../wheels/variant.ts';
import { isWanted } from '../../wheels/wanted.ts';
import { fileNameOf } from '../../wheels/wheel-name.ts';
import type { Findings, PrefetchRun } from './run.ts';
import { withTrees } from './trees.ts';

/**
 * Pins the wheels of all variants.
 * @throws Failure that names what is missing, what has changed, or what does not go together
 */
export async function pinWheels(run: PrefetchRun): Promise<Findings<Pinned[]>> {
  const { wanted, before, web, downloads, host, settings } = run;
  const wants = allWants(wanted);
  const listings = await askAll(wants, web, gitHubAccess(run), host);
  const results = chooseAll(wants, listings, variant => pinOf(before, variant, 'torch')?.version);
  const choices = results.filter(result => result.kind === 'chosen');
  const gaps = results.filter(result => result.kind !== 'chosen');
  const kept = gaps.flatMap(gap => keptPin(gap, run) ?? []);
  const lost = gaps.filter(gap => keptPin(gap, run) === undefined);
  if (lost.length > 0) throw missing(lost, run);
  await checkFit(results, run);
  if (settings.check) refuseUnpinned(choices, run);
  const fresh = await pinAll(choices, before, downloads.hash);
  const known = withWhatIsKnown([...fresh, ...kept], before);
  const { pins, unknown } = await withTrees(known, run);
  for (const message of sharedNames(pins)) {
    notice(host, message);
  }
  return { pins, unknown: [...describeKept(gaps), ...unknown] };
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

/** The token goes to the server that it is for, whatever `github-api` says. */
function gitHubAccess({ wanted, settings, host }: PrefetchRun): GitHubAccess {
  const ownApi = host.env.GITHUB_API_URL || 'https://api.github.com';
  const isOwn = new URL(wanted.githubApi).origin === new URL(ownApi).origin;
  return { api: wanted.githubApi, token: isOwn ? settings.githubToken : undefined };
}

/** What nobody tells stays as the lock has it, as long as it is what is wanted. */
function keptPin({ kind, variant, wheel }: Gap, { before }: PrefetchRun): Pinned | undefined {
  const pin = pinOf(before, variant, wheel.name);
  const isUsable = kind === 'unreachable' && pin && isWanted(pin.version, wheel.versions);
  return isUsable ? { variant, name: wheel.name, pin } : undefined;
}

/** Before anything is downloaded: a set that does not fit is of no use. */
async function checkFit(results: readonly (Choice | Gap)[], run: PrefetchRun): Promise<void> {
  const clashes = await findClashes(
    results.flatMap(result => fitting(result, run) ?? []),
    run.web,
  );
  if (clashes.length === 0) return;
  throw new Failure('The wheels do not fit together. The lock was left as it is.', {
    evidence: clashes,
    tried: "The wheels' tags, CUDA versions and requirements were compared.",
    next:
      'Change a version in wheels.toml; where you know better, name the other project in ' +
      'ignore-requirements.',
  });
}

function fitting(result: Choice | Gap, run: PrefetchRun): Fitting | undefined {
  const { variant, wheel } = result;
  const { name, ignoredRequirements } = wheel;
  if (result.kind === 'chosen') {
    const { version, file } = result;
    const { filename, metadata } = file;
    return { variant, name, filename, version, metadata, ignoredRequirements };
  }
  const pin = keptPin(result, run)?.pin;
  if (pin === undefined) return undefined;
  const filename = fileNameOf(pin.url);
  const { version } = pin;
  return { variant, name, filename, version, metadata: undefined, ignoredRequirements };
}

function missing(gaps: readonly Gap[], { before, settings }: PrefetchRun): Failure {
  const lines = [...Map.groupBy(gaps, gap => `${gap.wheel.name}\0${gap.reason}`).values()].map(
    same => {
      const [{ wheel, reason } = { wheel: undefined, reason: '' }] = same;
      const places = same.map(({ variant }) => describeVariant(variant)).join('; ');
      const vanished = same.some(gap => isVanished(gap, before))
        ? " The lock's own file has vanished."
        : '';
      return `${wheel?.name} (${places}): ${reason}${vanished}`;
    },
  );
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
  return kind === 'missing' && pin !== undefined && isWanted(pin.version, wheel.versions);
}

function describeKept(gaps: readonly Gap[]): string[] {
  return [...Map.groupBy(gaps, ({ reason }) => reason)].map(([reason, same]) => {
    const names = [...new Set(same.map(({ wheel }) => wheel.name))].join(', ');
    return `${reason} What the lock has stays as it is: ${names}.`;
  });
}
