import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import { tagsOfVariant } from '../../inputs/destination.ts';
import type { PlanSettings } from '../../inputs/settings.ts';
import { type EvaluatedVariant, evaluateVariants } from '../../nix/evaluate-variants.ts';
import { machineSystem } from '../../nix/system.ts';
import type { Nix } from '../../nix/types.ts';
import type { ImagePlan } from '../../record/types.ts';
import type { ImageContext } from '../build/context.ts';
import { foreseeImage } from './image.ts';
import type { AskedImage, Looking } from './looking.ts';
import type { PlannedVariant } from './matrix.ts';

/** An image that is meant, or why nothing can be told of it. */
type MeantImage = AskedImage | { failure: Failure };

/** The images that are named, or the variants of a flake, evaluated. Rejects with a `Failure` where none is meant. */
export async function meantImages(
  settings: PlanSettings,
  looking: Looking,
  host: Host,
): Promise<MeantImage[]> {
  const { variants, flakes } = settings;
  if (variants === undefined) return flakes.map(flake => ({ flake }));
  return meantVariants(variants.patterns, settings, await looking.nix(), host);
}

/** What a build of an image would do, and its row of a matrix. */
export async function foreseeRow(
  { variant }: AskedImage,
  context: ImageContext,
): Promise<{ image: ImagePlan; row: PlannedVariant }> {
  const image = await foreseeImage(context);
  const { flake, repository, tags, upToDate } = image;
  const row = {
    ...{ flake, repository, tags, upToDate },
    image: context.settings.image,
    variant: variant ?? image.variant ?? flake,
    fields: context.evaluation.recipe?.matrix,
  };
  return { image, row };
}

async function meantVariants(
  patterns: readonly string[] | undefined,
  settings: PlanSettings,
  nix: Nix,
  host: Host,
): Promise<MeantImage[]> {
  const { workingDirectory: cwd, overrideInputs, acceptFlakeConfig } = settings;
  const [named = '.'] = settings.flakes;
  const at = named.lastIndexOf('#');
  const flake = (at < 0 ? named : named.slice(0, at)) || '.';
  const attribute = at < 0 ? '' : named.slice(at + 1);
  const own = attribute === '' ? ['comfyui', 'default'] : [attribute];
  const asked = { flake, system: machineSystem(), patterns, own };
  const evaluated = await inPhase(host, 'evaluate', () =>
    evaluateVariants(nix, asked, { cwd, overrideInputs, acceptFlakeConfig }),
  );
  return evaluated.map(each => meantImage(each, settings.tags));
}

function meantImage(evaluated: EvaluatedVariant, tags: readonly string[]): MeantImage {
  const { installable, attribute } = evaluated;
  if ('failure' in evaluated) return { failure: named(evaluated.failure, installable) };
  const { evaluation } = evaluated;
  const variant = evaluation.recipe?.tag ?? attribute;
  try {
    return { flake: installable, evaluation, variant, tags: tagsOfVariant(tags, variant) };
  } catch (failure) {
    if (failure instanceof Failure) return { failure: named(failure, installable) };
    throw failure;
  }
}

/** Among those of others a failure says whose it is. */
const named = ({ message, details }: Failure, installable: string): Failure =>
  new Failure(message.includes(installable) ? message : `${installable}: ${message}`, details);
