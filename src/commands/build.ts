import { explain, type Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { notice, warn } from '../host/say.ts';
import { inSpan } from '../host/span.ts';
import type { BuildSettings } from '../inputs/settings.ts';
import { dropRoots } from '../nix/realise.ts';
import type { BuildRecord } from '../record/types.ts';
import { finishAudit } from './build/audit.ts';
import { beginBuild } from './build/beginning.ts';
import type { Repository } from './build/destination.ts';
import { flakeToTag } from './build/known-commit/asked.ts';
import { checkOutputs, outcomeOf, writeRecord } from './build/outcome.ts';
import { rootsOf } from './build/realisation.ts';
import { tellLimits } from './build/run-limits.ts';
import { seeSource } from './build/source.ts';
import { type BuildState, startState } from './build/state.ts';
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
    tellLimits(outcomeOf(state, settings).record, settings, state.host);
  } catch (error) {
    await inSpan(state.host, { kind: 'audit' }, () => finishAudit(state));
    const outcome = outcomeOf(state, settings, error);
    await keepRecord(outcome.record, settings, state.host);
    await tellPull(outcome, settings, state.host);
    throw withOutcome(error, outcome);
  }
  await inSpan(state.host, { kind: 'audit' }, () => finishAudit(state));
  const outcome = outcomeOf(state, settings);
  await keepRecord(outcome.record, settings, state.host);
  await tellPull(outcome, settings, state.host);
  return outcome;
}

/** What a run on a terminal has written for itself goes with it; in a job, later steps may need it. */
async function leaveMachine({ conf }: BuildSettings, { part, host }: BuildState): Promise<void> {
  if (conf.place !== 'run' || part === undefined) return;
  await inSpan(host, { kind: 'finish' }, () => takeBack(part, host));
}

/** The image is there or not by now: a record that cannot be written changes nothing of that. */
async function keepRecord(record: BuildRecord, settings: BuildSettings, host: Host): Promise<void> {
  await writeRecord(record, settings, host).catch(error => {
    warn(host, explain(error));
  });
}

/** Whatever becomes of a comment, the image is what it is. */
async function tellPull(outcome: BuildOutcome, settings: BuildSettings, host: Host): Promise<void> {
  const { pull, comment } = settings;
  if (pull === undefined || comment === 'false') return;
  try {
    const { tellPullRequest } = await import('./build/comment/tell.ts');
    await tellPullRequest(outcome, settings, pull, host);
  } catch (error) {
    if (!host.signal?.aborted) warn(host, explain(error));
  }
}

async function makeImage(settings: BuildSettings, state: BuildState): Promise<void> {
  const { host } = state;
  await inSpan(host, { kind: 'set-up' }, () => checkOutputs(settings));
  for (const message of [settings.pushRefusal, settings.cacheRefusal, ...settings.remarks]) {
    if (message !== undefined) notice(host, message);
  }
  let repository: Repository | undefined;
  const open = async () => {
    const { openRepository } = await maker();
    repository ??= openRepository(settings, host);
    return repository;
  };
  try {
    if (!(await isTagged(settings, state, open))) await makeWithNix(settings, state, open);
  } catch (error) {
    const failure = await endWith(repository, settings, state);
    // the build's own failure is the one to be told
    if (failure !== undefined && failure !== error) warn(host, explain(failure));
    throw error;
  }
  const failure = await endWith(repository, settings, state);
  if (failure) throw failure;
}

/** Opens the repository that the image goes to, once; undefined where it goes to no registry. */
type OpenRepository = () => Promise<Repository | undefined>;

/** Whether the image of this commit was made before, and its tags name it now: without Nix. */
async function isTagged(
  settings: BuildSettings,
  state: BuildState,
  open: OpenRepository,
): Promise<boolean> {
  const flake = flakeToTag(settings);
  if (flake === undefined) return false;
  const source = await seeSource(settings, state.host);
  if (source === undefined) return false;
  state.seen = { source };
  const repository = await open();
  if (repository === undefined) return false;
  const { tagKnownCommit } = await import('./build/known-commit/known-commit.ts');
  return tagKnownCommit(flake, source, settings, state, repository);
}

async function makeWithNix(
  settings: BuildSettings,
  state: BuildState,
  open: OpenRepository,
): Promise<void> {
  const github = await inSpan(state.host, { kind: 'set-up' }, () =>
    openGithub(settings, state.host),
  );
  if (github) state.github = github;
  let repository: Repository | undefined;
  const isToSee = settings.writeMemory && flakeToTag(settings) === undefined;
  const beginning = await beginBuild(settings, state, async () => {
    repository = await open();
    repository?.logIn();
    if (isToSee) state.seen = { source: await seeSource(settings, state.host) };
  });
  const { makeWith } = await maker();
  await makeWith(beginning, settings, state, repository);
}

/** Half of the program, which Nix's first command does not wait for. */
const maker = async () => ({
  ...(await import('./build/destination.ts')),
  ...(await import('./build/make.ts')),
});

/** What was built is protected from garbage collection until the caches have it; gives what they lack. */
async function endWith(
  repository: Repository | undefined,
  settings: BuildSettings,
  state: BuildState,
): Promise<Failure | undefined> {
  const { host, caches } = state;
  await inSpan(host, { kind: 'finish' }, async () => repository?.close());
  if (caches) {
    state.cached = await inSpan(host, { kind: 'cache-push' }, () => caches.finish());
  }
  await inSpan(host, { kind: 'finish' }, async () => {
    await dropRoots(rootsOf(settings));
    const peaks = await state.diskWatch?.stop();
    if (peaks) state.disk = peaks;
  });
  return state.cached?.failure;
}
