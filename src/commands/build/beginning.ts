import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { inSpan } from '../../host/span.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { foldersInUse } from '../../nix/disk.ts';
import { watchDisk } from '../../nix/disk-space.ts';
import { requireKnownOutputs } from '../../nix/evaluate.ts';
import { lockedInputs } from '../../nix/lock-file.ts';
import type { Evaluation, Nix } from '../../nix/types.ts';
import { releaseTransport } from '../setup/github.ts';
import { type PreparedNix, prepareBeside } from '../setup/prepare.ts';
import { evaluateBeside } from './evaluation.ts';
import { seeSource } from './source.ts';
import type { BuildState } from './state.ts';

/** What an image is made from. */
export interface Beginning {
  /** Asked, and ready to build. */
  nix: Nix;
  evaluation: Evaluation;
}

/**
 * Sets Nix up, and evaluates the image meanwhile; does what is given `besides` while Nix evaluates. Rejects
 * with the failure of what failed first, when nothing of it runs any more.
 */
export function beginBuild(
  settings: BuildSettings,
  state: BuildState,
  besides: () => Promise<void>,
): Promise<Beginning> {
  const server = releaseTransport(state.github, settings.nix, state.host);
  return prepareBeside(settings, state.host, server, async (begun, { host, add }) => {
    state.nix = begun.nix;
    state.exports = begun.exports;
    // a number of the report is no reason to fail
    const watch = await watchDisk(foldersInUse(begun.nix)).catch(() => undefined);
    if (watch) state.diskWatch = watch;
    const ready = add(begun.ready.then(prepared => takeOver(prepared, settings, state)));
    const { flake = '.', workingDirectory } = settings;
    await inSpan(host, { kind: 'restore' }, async () =>
      state.github?.restoreEvaluation(flake, workingDirectory),
    );
    const evaluating = add(evaluateBeside(begun, settings, host));
    const locking = lockedInputs(flake, workingDirectory, namesOf(settings.overrideInputs));
    await add(besides());
    const evaluation = await evaluating;
    state.evaluation = evaluation;
    const confirming = add(confirmSource(settings, state, host));
    const inputs = await locking;
    if (inputs !== undefined) state.inputs = inputs;
    checkSelection(settings.layers, evaluation);
    requireKnownOutputs(evaluation);
    await confirming;
    return { evaluation, nix: await ready };
  });
}

/** Sets Nix up where nothing is evaluated meanwhile. Rejects with a {@link Failure}. */
export function beginNix(settings: BuildSettings, state: BuildState): Promise<Nix> {
  const server = releaseTransport(state.github, settings.nix, state.host);
  return prepareBeside(settings, state.host, server, (begun, { add }) =>
    add(begun.ready.then(prepared => takeOver(prepared, settings, state))),
  );
}

const namesOf = (overridden: BuildSettings['overrideInputs']) => overridden.map(each => each.input);

/** Files that were changed while Nix read them are those of no commit. */
async function confirmSource(
  settings: BuildSettings,
  state: BuildState,
  host: Host,
): Promise<void> {
  const { source } = state.seen;
  if (source === undefined) return;
  const now = await seeSource(settings, host);
  if (now?.commit !== source.commit) state.seen = {};
}

/** A Nix that is ready is that of the run; caches get what it builds. */
async function takeOver(
  prepared: PreparedNix,
  settings: BuildSettings,
  state: BuildState,
): Promise<Nix> {
  state.nix = prepared.nix;
  state.exports = prepared.exports;
  state.part = prepared.owner.id;
  const caches = await inSpan(state.host, { kind: 'set-up' }, async () => {
    const { startCaches } = await import('./caches.ts');
    return startCaches(prepared, settings, state.host);
  });
  state.caches = caches;
  for (const event of state.builtEarly.splice(0)) caches.take(event);
  return prepared.nix;
}

/** The layers that the user selected must exist. */
function checkSelection(selected: readonly string[], { recipe, target }: Evaluation): void {
  const names = recipe ? recipe.layers.map(layer => layer.name) : [target.name];
  const unknown = selected.filter(name => !names.includes(name));
  if (unknown.length === 0) return;
  throw new Failure(`${recipe?.name ?? target.name} has no layer called ${unknown.join(', ')}.`, {
    next: `Choose among: ${names.join(', ')}.`,
    exitCode: 2,
  });
}
