import { Failure } from '../../host/failure.ts';
import { Unreachable } from '../../host/http/message.ts';
import { atOnce } from '../../host/limits.ts';
import { turns } from '../../host/turns.ts';
import { type Choice, chooseAll, type Gap } from '../../wheels/choose.ts';
import type { Fitting } from '../../wheels/fit.ts';
import { allWants, askAll } from '../../wheels/listings.ts';
import { allPins, pinOf } from '../../wheels/lock.ts';
import type { Pinned } from '../../wheels/pin.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import { isWanted } from '../../wheels/wanted.ts';
import { gitHubAccess } from './github.ts';
import {
  type Asking,
  askingFor,
  type Resolved,
  resolveByUv,
  resolveExact,
  sayAsked,
  unanswered,
} from './resolve.ts';
import type { PrefetchRun } from './run.ts';
import { openUv } from './uv.ts';
import { followAll } from './whole.ts';

/** A pin that a check takes for what it is: versions are chosen by a run that writes. */
interface Held extends Pinned {
  kind: 'held';
  ignoredRequirements: readonly string[];
}

export type Result = Choice | Gap | Held;

/** What each variant is to have: chosen by uv where lists leave a choice. */
export async function chooseWheels(run: PrefetchRun): Promise<Result[]> {
  const { wanted, before, web, host } = run;
  if (!wanted.variants.some(variant => run.lists(variant).any)) {
    const wants = allWants(wanted);
    const listings = await askAll(wants, web, gitHubAccess(run), host);
    return chooseAll(wants, listings, variant => pinOf(before, variant, 'torch')?.version);
  }
  const results: Result[] = [];
  const open: Asking[] = [];
  for (const variant of wanted.variants) {
    const asking = askingFor(variant, run);
    const exact = await resolveExact(asking, run);
    if (exact !== undefined && (await isWhole(exact, run))) results.push(...exact);
    else if (run.settings.check) results.push(...heldIn(asking, run));
    else open.push(asking);
  }
  if (open.length > 0) results.push(...(await chooseByUv(open, run)));
  return results;
}

async function isWhole(results: readonly Result[], run: PrefetchRun): Promise<boolean> {
  const wheels = results.flatMap(result => fittingChoice(result) ?? []);
  const { texts } = await run.readMetadata(wheels);
  // what a wheel that tells nothing requires is known to uv alone
  if (texts.size < wheels.length) return false;
  return [...followAll(wheels, texts, run).values()].every(({ missing }) => missing.length === 0);
}

/** A wheel that was chosen, as what has to go with the others. */
export function fittingChoice(result: Result): Fitting | undefined {
  if (result.kind !== 'chosen') return undefined;
  const { variant, version, file, wheel, isResolved } = result;
  const { name, ignoredRequirements } = wheel;
  const { filename, metadata } = file;
  return { variant, name, filename, version, metadata, ignoredRequirements, isResolved };
}

async function chooseByUv(askings: readonly Asking[], run: PrefetchRun): Promise<Result[]> {
  const uv = await openUv(run.settings.wheelsFile, run.host);
  sayAsked(askings, run);
  const inTurn = turns(atOnce.resolvers);
  const all = await Promise.all(
    askings.map(asking =>
      inTurn(() => resolveByUv(asking, uv, run)).catch((error: unknown): Resolved => {
        if (!(error instanceof Unreachable)) throw error;
        return { results: unanswered(asking, error, run), noWheels: [] };
      }),
    ),
  );
  refuseWithoutWheels(
    askings.map(({ variant }, at) => ({ variant, noWheels: all[at]?.noWheels ?? [] })),
    askings,
  );
  return all.flatMap(({ results }) => results);
}

function refuseWithoutWheels(
  lacking: readonly { variant: Variant; noWheels: Resolved['noWheels'] }[],
  askings: readonly Asking[],
): void {
  const all = lacking.flatMap(({ variant, noWheels }) =>
    noWheels.map(({ project, said }) => ({ project, said, variant })),
  );
  if (all.length === 0) return;
  const evidence = [...Map.groupBy(all, ({ project }) => project)].map(([project, same]) => {
    const asked = askings.flatMap(each => each.asked).filter(({ name }) => name === project);
    const [first] = asked;
    const why = first
      ? `${first.place}: ${first.text}`
      : `${project}: ${requirerIn(same[0]?.said)}`;
    const where = same.map(({ variant }) => describeVariant(variant)).join('; ');
    return `${why} (${where}): write [sources.${project}] with its repository, or [wheels.${project}] skip = true`;
  });
  throw new Failure(
    'Projects have no wheel for the image, and prefetch builds none. The lock was left as it is.',
    {
      evidence,
      tried: 'uv looked for wheels of every version that the lists allow.',
      next:
        'Take each from nixpkgs where that has it (packages.nix), or as the lines say: a repository is ' +
        'built by layers/4-sources.nix.',
    },
  );
}

const requirerIn = (said: readonly string[] = []) =>
  said
    .join(' ')
    .replace(/^.*?cause: /, '')
    .replace(/, we can conclude that .*$/, '');

/**
 * What the lock has of a variant, for a check.
 * @throws Failure where it lacks what is asked for
 */
function heldIn(asking: Asking, run: PrefetchRun): Result[] {
  const { variant, rules, asked, locked } = asking;
  const there = new Set(locked.map(({ wheel }) => wheel.name));
  const lacks = [...rules, ...asked].filter(({ name, versions }) => {
    const pin = pinOf(run.before, variant, name);
    return !there.has(name) && (pin === undefined || !isWanted(pin.version, versions));
  });
  if (lacks.length > 0) {
    throw new Failure(`${run.settings.lockFile} is stale.`, {
      evidence: lacks.map(each => {
        const where = 'place' in each ? each.place : 'wheels.toml';
        return `it lacks ${each.name} ${each.versions} of ${where} (${describeVariant(variant)})`;
      }),
      next: 'Run comfy-nix prefetch and commit the lock.',
    });
  }
  const pins = run.before === undefined ? [] : allPins(run.before);
  const held = pins
    .filter(each => describeVariant(each.variant) === describeVariant(variant))
    .filter(({ name }) => !there.has(name))
    .map((each): Held => {
      const rule = rules.find(({ name }) => name === each.name);
      return { ...each, kind: 'held', ignoredRequirements: rule?.ignoredRequirements ?? [] };
    });
  return [...locked, ...held];
}
