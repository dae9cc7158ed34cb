import { rm } from 'node:fs/promises';
import { Unreachable } from '../../host/http/message.ts';
import { atOnce } from '../../host/limits.ts';
import { notice } from '../../host/say.ts';
import { newTemporaryFolder } from '../../host/temporary.ts';
import { turns } from '../../host/turns.ts';
import { choose, type Gap } from '../../wheels/choose.ts';
import type { Want } from '../../wheels/listings.ts';
import { type LockedPackage, readPylock } from '../../wheels/resolve/pylock.ts';
import { askUv, type Uv } from '../../wheels/resolve/uv.ts';
import { exactVersion } from '../../wheels/versions.ts';
import { anyVersion } from '../../wheels/wanted/wheel.ts';
import { type Asking, pinsFor, versionsOf } from './asking.ts';
import { type Results, withMetadata } from './exact.ts';
import { fileOf } from './file.ts';
import { askPages } from './pages.ts';
import { questionOf } from './question.ts';
import { noSolution, refuseWithoutWheels, type Wheelless } from './refusals.ts';
import type { PrefetchRun } from './run.ts';
import { openUv } from './uv.ts';

/**
 * The wheels of variants as uv chooses their versions.
 * Rejects with a {@link Failure} in uv's words where versions do not go together.
 */
export async function chooseByUv(askings: readonly Asking[], run: PrefetchRun): Promise<Results> {
  const uv = await openUv(run.settings.wheelsFile, run.host);
  sayAsked(askings, run);
  const inTurn = turns(atOnce.resolvers);
  const all = await Promise.all(askings.map(asking => inTurn(() => resolved(asking, uv, run))));
  refuseWithoutWheels(all.flatMap(({ wheelless }) => wheelless));
  return all.flatMap(({ results }) => results);
}

/** What came of a variant. */
interface Resolved {
  results: Results;
  wheelless: Wheelless[];
}

function resolved(asking: Asking, uv: Uv, run: PrefetchRun): Promise<Resolved> {
  return resolveByUv(asking, uv, run).catch((error: unknown): Resolved => {
    if (!(error instanceof Unreachable)) throw error;
    return { results: unanswered(asking, error, run), wheelless: [] };
  });
}

async function resolveByUv(asking: Asking, uv: Uv, run: PrefetchRun): Promise<Resolved> {
  const { variant, rules, locked, isWhole } = asking;
  const releases = rules.filter(({ origin }) => origin.kind === 'release');
  const wants = releases.map((wheel): Want => ({ variant, wheel }));
  const listings = await askPages(wants, run);
  const exactTorch = exactVersion(versionsOf('torch', asking));
  const ask = (fromReleases: Results) => answerOf(asking, fromReleases, uv, run);
  // wheels of releases are made for one PyTorch, whose version has to be known before
  const first = exactTorch === undefined && wants.length > 0 ? await ask([]) : undefined;
  const torch = exactTorch ?? first?.packages.find(({ name }) => name === 'torch')?.version;
  const found = wants.map(want => withMetadata(choose(want, listings.of(want.wheel), torch)));
  const { packages, wheelless } = first && found.length === 0 ? first : await ask(found);
  const taken = new Set([...found, ...locked].map(({ wheel }) => wheel.name));
  const chosen = packages
    .filter(({ name }) => !taken.has(name))
    .map(each => ({ ...fileOf(each, asking, run), isResolved: isWhole }));
  return { results: [...locked, ...found, ...chosen], wheelless };
}

interface Answer {
  packages: LockedPackage[];
  wheelless: Wheelless[];
}

/** Asks again without what has no wheel, so that all of it is told at once. */
async function answerOf(
  asking: Asking,
  fromReleases: Results,
  uv: Uv,
  run: PrefetchRun,
): Promise<Answer> {
  const { variant } = asking;
  const wheelless: Wheelless[] = [];
  const folder = await newTemporaryFolder('resolve-', run.host.env);
  try {
    for (;;) {
      const left = wheelless.map(({ project }) => project);
      const question = questionOf(asking, fromReleases, left, run);
      const answer = await askUv(question, uv, folder, run.host);
      if (answer.kind === 'resolved') {
        return { packages: readPylock(answer.pylock, 'the answer of uv', variant), wheelless };
      }
      const named = answer.kind === 'no-wheels' ? answer.projects : [];
      const fresh = named.filter(each => !left.includes(each));
      if (fresh.length === 0 && wheelless.length > 0) return { packages: [], wheelless };
      if (fresh.length === 0) throw noSolution(answer.said, asking);
      const { said } = answer;
      wheelless.push(...fresh.map(project => ({ project, said, asking })));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What uv could not be asked, where an index did not answer: the lock's pins, or what is missing. */
function unanswered(asking: Asking, error: Unreachable, run: PrefetchRun): Gap[] {
  const { variant, rules, asked } = asking;
  const pins = pinsFor(asking, run);
  const names = new Set([...pins, ...rules, ...asked].map(({ name }) => name));
  return [...names].map(name => {
    const rule = rules.find(each => each.name === name);
    const wheel = rule ?? anyVersion(name, run.wanted.packageIndex(variant));
    const versions = versionsOf(name, asking);
    return { kind: 'unreachable', variant, wheel: { ...wheel, versions }, reason: error.message };
  });
}

function sayAsked(askings: readonly Asking[], run: PrefetchRun): void {
  const named = askings.flatMap(({ rules, asked }) => [
    ...rules.map(({ name }) => name),
    ...asked.map(({ place }) => place),
  ]);
  const lines = new Set(named).size;
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  const where = counted(askings.length, 'variant');
  const message = `Asking uv for the versions of ${counted(lines, 'line')} in ${where}`;
  notice(run.host, message);
}
