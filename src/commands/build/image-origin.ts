import { sourceDateEpoch } from '../../host/epoch.ts';
import type { Host } from '../../host/host.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Evaluation, Recipe } from '../../nix/types.ts';
import type { ImageOrigin } from '../../registry/remembered.ts';

/** What of an evaluation is remembered of the image. */
type Evaluated = Pick<Evaluation, 'installable' | 'system' | 'locked' | 'imageTag'> & {
  recipe?: Pick<Recipe, 'tag'> | undefined;
};

/**
 * What a run knows, without asking anybody, of what its image is made from and for.
 * @param tree that of the flake's repository, where it is known
 */
export function originOfImage(
  { installable, system, locked, imageTag, recipe }: Evaluated,
  settings: BuildSettings,
  env: Host['env'],
  tree?: string,
): ImageOrigin {
  const [flake = '', attribute] = installable.split('#', 2);
  const [, dir] = /[?&]dir=([^&]+)/.exec(flake) ?? [];
  // the flake of another place is not of the workflow's commit
  const commit = flake.startsWith('.') ? settings.annotations[revision] : undefined;
  const { compression, maxLayerSize, labels, nix, event } = settings;
  const variant = recipe?.tag ?? imageTag;
  const branch = env.GITHUB_REF_NAME;
  const decisive = { compression, maxLayerSize, labels, sourceDateEpoch: sourceDateEpoch(env) };
  return {
    ...(commit ? { commit } : {}),
    ...(dir ? { dir } : {}),
    ...(attribute ? { attribute } : {}),
    ...(tree ? { tree } : {}),
    // a folder of files has no commit
    ...(flake.startsWith('path:') ? { withoutCommit: true } : {}),
    system,
    locked,
    ...(nix.nixVersion ? { nix: nix.nixVersion } : {}),
    settings: decisive,
    ...(variant ? { variant } : {}),
    ...(branch ? { branch } : {}),
    ...(event ? { event } : {}),
  };
}

/** OCI's name of the annotation that tells a commit. */
const revision = 'org.opencontainers.image.revision';
