import { inPhase } from '../../host/phase.ts';
import { inSpan } from '../../host/span.ts';
import { architectureOf } from '../../image/config.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { isOfTargets, isShipped, namedTargets } from '../../nix/recipe-layers.ts';
import type { Evaluation } from '../../nix/types.ts';
import { startAudit } from './audit.ts';
import type { Beginning } from './beginning.ts';
import type { ImageContext } from './context.ts';
import { openDestination, type Repository } from './destination.ts';
import { askStore, composeImage, realiseTargets } from './image.ts';
import { originOfImage } from './image-origin.ts';
import { readPrevious } from './previous.ts';
import { type Recollection, recall } from './recall.ts';
import type { BuildState } from './state.ts';

/** Makes the image with a Nix that is ready. */
export async function makeWith(
  beginning: Beginning,
  settings: BuildSettings,
  state: BuildState,
  repository: Repository | undefined,
): Promise<void> {
  const { evaluation } = beginning;
  if (!evaluation.recipe) state.caches?.exclude(evaluation.target.drvPath);
  await inSpan(state.host, { kind: 'audit' }, () => startAudit(evaluation, settings, state));
  await knowing(beginning, settings, state, repository, async context => {
    const { recipe } = evaluation;
    if (!settings.push) await realiseTargets(context);
    else if (recipe) await composeImage({ ...context, recipe });
    else await publishMade(context);
  });
}

/** Works with what the repository and others remember of an image, and with what the store has of it. */
export async function knowing<T>(
  { nix, evaluation }: Beginning,
  settings: BuildSettings,
  state: BuildState,
  repository: Repository | undefined,
  work: (context: ImageContext) => Promise<T>,
): Promise<T> {
  const { host } = state;
  const architecture = architectureOf(evaluation.system);
  const hasRecipe = evaluation.recipe !== undefined;
  const image = { ...nameOf(evaluation), architecture, hasRecipe };
  const shipped = evaluation.recipe?.layers.filter(isShipped) ?? [];
  const targets = namedTargets(shipped).map(({ outPath }) => outPath);
  const shared = namedTargets(shipped.filter(isOfTargets)).map(({ outPath }) => outPath);
  const destination = openDestination(settings, image, host, repository);
  state.destination = destination;
  const asking = inSpan(host, { kind: 'store' }, () =>
    askStore({ settings, state, nix, evaluation }),
  );
  const asked = asking.catch(() => undefined); // told below
  let known: Recollection | undefined;
  try {
    known = await inPhase(host, 'remember', () =>
      recall(destination, settings, { ...image, storeDir: nix.storeDir, targets, shared }, host),
    );
    const { attribute } = originOfImage(evaluation, settings, host.env);
    state.earlier = readPrevious(known.own, settings, attribute, state);
    const here = await asking;
    return await work({
      ...{ settings, state, nix, evaluation, architecture, destination, here },
      ...known,
    });
  } finally {
    await asked;
    await known?.forget();
    await destination.store.close();
  }
}

/** Loaded on use: a recipe needs nothing of what reads other tools' images. */
async function publishMade(context: ImageContext): Promise<void> {
  const { publishMadeImage } = await import('./made-image.ts');
  await publishMadeImage(context);
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
