import { explain, Failure } from '../../host/failure.ts';
import { parseDryRun, queryNeeds } from '../../nix/disk-needs.ts';
import { layersOf } from '../../nix/recipe-layers.ts';
import type { DerivationOutput, Nix } from '../../nix/types.ts';
import type { ImagePlan } from '../../record/types.ts';
import { arrangeKnowledge } from '../../registry/reuse.ts';
import type { ImageContext } from '../build/context.ts';
import { withFetches } from '../build/forecast/fetches.ts';
import { foresee } from '../build/forecast/forecast.ts';
import { whyRecord } from '../build/forecast/why.ts';
import { type PlannedImage, planOnly } from '../build/image.ts';
import { isUpToDate } from './up-to-date.ts';

/** Tells what a build of an image would do. Rejects with a `Failure`. */
export async function foreseeImage(given: ImageContext): Promise<ImagePlan> {
  const planned = await planOrUnknown(given);
  const { context, plan } = planned;
  const missing = plan.needed.filter(({ outPath }) => !context.here?.has(outPath));
  const nix = await usable(context, missing);
  const needs = missing.length === 0 ? parseDryRun('') : await queryNeeds(nix, missing);
  const { layers, forecast } = await foresee(context, plan, needs);
  const { evaluation, destination, unknown } = context;
  const fetching = {
    nix,
    layers: layersOf(evaluation),
    missing,
    needs,
  };
  const [upToDate, why, withCaches] = await Promise.all([
    unknown === undefined ? isUpToDate(planned) : undefined,
    whyRecord(context, plan),
    withFetches(layers, fetching),
  ]);
  const variant = evaluation.recipe?.tag ?? evaluation.imageTag;
  return {
    flake: evaluation.installable,
    ...(variant === undefined ? {} : { variant }),
    repository: destination.store.repository,
    tags: [...destination.tags],
    ...(upToDate === undefined ? {} : { upToDate }),
    ...(unknown === undefined ? {} : { unknown }),
    layers: withCaches,
    forecast,
    ...(why ? { why } : {}),
  };
}

/** A Nix without the caches that do not answer for a path that it would ask them for. */
async function usable(
  { nix, state }: ImageContext,
  [first]: readonly DerivationOutput[],
): Promise<Nix> {
  if (first !== undefined) await state.caches?.failing.ask(first.outPath);
  return (await state.caches?.failing.without(nix)) ?? nix;
}

/** What there is to do; where the registry fails meanwhile nothing is known of it, as if it could not be read. */
async function planOrUnknown(given: ImageContext): Promise<PlannedImage> {
  try {
    return await planOnly(given);
  } catch (error) {
    if (!(error instanceof Failure) || given.state.host.signal?.aborted) throw error;
    const unknown = `What ${given.destination.store.repository} holds is not known: ${explain(error)}`;
    return planOnly({ ...given, knowledge: arrangeKnowledge([], ''), tagged: [], unknown });
  }
}
