import { explain, type Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import { notice, warn } from '../host/say.ts';
import { architectureOf } from '../image/config.ts';
import type { BuildSettings } from '../inputs/settings.ts';
import { dropRoots } from '../nix/realise.ts';
import type { Evaluation } from '../nix/types.ts';
import type { BuildRecord } from '../record/types.ts';
import { finishAudit, startAudit } from './build/audit.ts';
import { type Beginning, beginBuild } from './build/beginning.ts';
import { openDestination, openRepository, type Repository } from './build/destination.ts';
import { composeImage, realiseTargets } from './build/image.ts';
import { publishMadeImage } from './build/made-image.ts';
import { rootsOf } from './build/realisation.ts';
import { type Recollection, recall } from './build/recall.ts';
import {
  type BuildState,
  checkOutputs,
  outcomeOf,
  startState,
  writeRecord,
} from './build/state.ts';
import { type BuildOutcome, withOutcome } from './outcome.ts';
import { openGithub } from './setup/github.ts';
import { takeBack } from './setup/part.ts';

/**
 * Builds the image of a flake and puts it into its repository: evaluate once, ask the registry what it
 * holds, realise the rest, stream what is new, move the tags last, remember.
 * Rejects with a `VerbFailure` that carries the record of what was done.
 */
export async function build(settings: BuildSettings, host: Host): Promise<BuildOutcome> {
  const state = startState(host);
  try {
    await makeImage(settings, state).finally(() => leaveMachine(settings, state));
  } catch (error) {
    await finishAudit(state);
    const outcome = outcomeOf(state, settings, error);
    await keepRecord(outcome.record, settings, state.host);
    throw withOutcome(error, outcome);
  }
  await finishAudit(state);
  const outcome = outcomeOf(state, settings);
  await keepRecord(outcome.record, settings, state.host);
  return outcome;
}

/** What a run on a terminal has written for itself goes with it; in a job, later steps may need it. */
async function leaveMachine({ conf }: BuildSettings, { part, host }: BuildState): Promise<void> {
  if (conf.place === 'run' && part !== undefined) await takeBack(part, host);
}

/** The image is there or not by now: a record that cannot be written changes nothing of that. */
async function keepRecord(record: BuildRecord, settings: BuildSettings, host: Host): Promise<void> {
  await writeRecord(record, settings, host).catch(error => {
    warn(host, explain(error));
  });
}

async function makeImage(settings: BuildSettings, state: BuildState): Promise<void> {
  const { host } = state;
  await checkOutputs(settings);
  for (const message of [settings.pushRefusal, settings.cacheRefusal]) {
    if (message !== undefined) notice(host, message);
  }
  const github = await openGithub(settings, host);
  if (github) state.github = github;
  const repository = openRepository(settings, host);
  try {
    const beginning = await beginBuild(settings, state, repository);
    await makeWith(beginning, settings, state, repository);
  } catch (error) {
    const failure = await endWith(repository, settings, state);
    // the build's own failure is the one to be told
    if (failure !== undefined && failure !== error) warn(host, explain(failure));
    throw error;
  }
  const failure = await endWith(repository, settings, state);
  if (failure) throw failure;
}

/** What was built is protected from garbage collection until the caches have it; gives what they lack. */
async function endWith(
  repository: Repository | undefined,
  settings: BuildSettings,
  state: BuildState,
): Promise<Failure | undefined> {
  await repository?.close();
  if (state.caches) state.cached = await state.caches.finish();
  await dropRoots(rootsOf(settings));
  const peaks = await state.diskWatch?.stop();
  if (peaks) state.disk = peaks;
  return state.cached?.failure;
}

/** Makes the image with a Nix that is ready. */
async function makeWith(
  { nix, evaluation }: Beginning,
  settings: BuildSettings,
  state: BuildState,
  repository: Repository | undefined,
): Promise<void> {
  const { host } = state;
  if (!evaluation.recipe) state.caches?.exclude(evaluation.target.drvPath);
  await startAudit(evaluation, settings, state);
  const architecture = architectureOf(evaluation.system);
  const image = { ...nameOf(evaluation), architecture };
  const destination = openDestination(settings, image, host, repository);
  state.destination = destination;
  let known: Recollection | undefined;
  try {
    known = await inPhase(host, 'remember', () =>
      recall(destination, settings, { storeDir: nix.storeDir, architecture }, host),
    );
    const context = { settings, state, nix, evaluation, architecture, destination, ...known };
    const { recipe } = evaluation;
    if (!settings.push) await realiseTargets(context);
    else if (recipe) await composeImage({ ...context, recipe });
    else await publishMadeImage(context);
  } finally {
    await known?.forget();
    await destination.store.close();
  }
}

/** What the image is called: by its recipe, else by the tool that makes it, else by its derivation. */
function nameOf({ recipe, imageName, imageTag, target }: Evaluation): {
  name: string;
  tag: string;
} {
  if (recipe) return recipe;
  const name = imageName?.slice(imageName.lastIndexOf('/') + 1) ?? target.name;
  return { name: name.toLowerCase(), tag: imageTag ?? 'latest' };
}
