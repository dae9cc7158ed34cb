import { isLocalImage } from '../../../inputs/destination.ts';
import type { BuildSettings } from '../../../inputs/settings.ts';
import { type LocalFlake, localFlake } from '../../../nix/flake-source.ts';

/**
 * The flake of a run that needs no Nix where the image of its commit is in the registry: the inputs ask for
 * nothing but that the tags name it. Undefined where they ask for more.
 */
export function flakeToTag(settings: BuildSettings): LocalFlake | undefined {
  const { push, image, reuse, layers, allTargets, auditFailOn, overrideInputs } = settings;
  const asksForTags = push && image !== undefined && !isLocalImage(image);
  // an audit that may fail the run has to be made; what it found is in the record of the first one
  const isJudged = auditFailOn !== 'never';
  const asksForMore = !reuse || layers.length > 0 || allTargets || isJudged;
  if (!asksForTags || asksForMore) return undefined;
  // settings of the flake may make its evaluation impure
  if (overrideInputs.length > 0 || settings.acceptFlakeConfig) return undefined;
  // the first that is looked for; of a flake that lacks it the memory has no such image
  return localFlake(settings.flake ?? '.#comfyui');
}
