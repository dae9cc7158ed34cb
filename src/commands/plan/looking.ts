import type { Host } from '../../host/host.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { requireKnownOutputs } from '../../nix/evaluate.ts';
import { lockedInputs } from '../../nix/lock-file.ts';
import type { Evaluation, Nix } from '../../nix/types.ts';
import type { PlanRecord } from '../../record/types.ts';
import { type Beginning, beginBuild, beginNix } from '../build/beginning.ts';
import type { ImageContext } from '../build/context.ts';
import { openRepository, type Repository } from '../build/destination.ts';
import { knowing } from '../build/make.ts';
import { type BuildState, startState } from '../build/state.ts';
import { evaluateImage } from '../evaluate-image.ts';
import type { VerbOutcome } from '../outcome.ts';
import { takeBack } from '../setup/part.ts';

/** Works with what is known of an image that is not built. */
type Look<T> = (context: ImageContext) => Promise<T>;

/** An image that is looked at. */
export interface AskedImage {
  /** Undefined: what a build without a name of one builds. */
  flake: string | undefined;
  /** Where it was evaluated with others before. */
  evaluation?: Evaluation;
  /** What it is called among others. */
  variant?: string;
  /** Instead of those that all images get. */
  tags?: readonly string[];
}

/** A Nix that is set up for the first image that is looked at, and serves all of them. */
export interface Looking {
  /** Evaluates an image, reads what its repository remembers, and works with it. Rejects with a `Failure`. */
  at<T>(asked: AskedImage, look: Look<T>): Promise<T>;
  /** A Nix that is ready, before any image is looked at. Rejects with a `Failure`. */
  nix(): Promise<Nix>;
  /** Nix's; empty where there was none yet. */
  version(): string;
}

/** What is left of it. */
interface Looked<T> {
  looking: T;
  leftOut: PlanRecord['leftOut'];
  exports: VerbOutcome['exports'];
}

/** Sets Nix up as a build does, looks at images, and takes back what it has written for itself. */
export async function onlyLooking<T>(
  settings: BuildSettings,
  host: Host,
  work: (looking: Looking) => Promise<T>,
): Promise<Looked<T>> {
  const first = startState(host);
  const looking: Looking = {
    at: async ({ flake, tags = settings.tags, evaluation }, look) => {
      const named = { ...settings, flake, tags };
      const state = first.evaluation ? nextState(first) : first;
      const repository = openRepository(named, host);
      try {
        const beginning = await beginOrGoOn(named, state, repository, evaluation);
        return await knowing(beginning, named, state, repository, look);
      } finally {
        await repository?.close();
      }
    },
    nix: () => beginNix(settings, first),
    version: () => first.nix?.version ?? '',
  };
  try {
    const result = await work(looking);
    const cached = await first.caches?.finish();
    return { looking: result, leftOut: [...(cached?.leftOut ?? [])], exports: first.exports };
  } finally {
    await first.diskWatch?.stop();
    if (first.part !== undefined) await takeBack(first.part, host);
  }
}

/** The state of one more image, with the same Nix. */
function nextState({ host, nix, caches }: BuildState): BuildState {
  return { ...startState(host), ...(nix ? { nix } : {}), ...(caches ? { caches } : {}) };
}

async function beginOrGoOn(
  settings: BuildSettings,
  state: BuildState,
  repository: Repository | undefined,
  evaluation: Evaluation | undefined,
): Promise<Beginning> {
  if (state.nix === undefined || state.caches === undefined) {
    return beginBuild(settings, state, async () => repository?.logIn());
  }
  repository?.logIn();
  return evaluateNext(state.nix, settings, state, evaluation);
}

async function evaluateNext(
  nix: Nix,
  settings: BuildSettings,
  state: BuildState,
  given: Evaluation | undefined,
): Promise<Beginning> {
  const { flake = '.', workingDirectory, overrideInputs } = settings;
  const evaluation = given ?? (await evaluateImage(nix, settings, settings.audit, state.host));
  requireKnownOutputs(evaluation);
  state.evaluation = evaluation;
  const names = overrideInputs.map(each => each.input);
  const inputs = await lockedInputs(flake, workingDirectory, names);
  if (inputs !== undefined) state.inputs = inputs;
  return { nix, evaluation };
}
