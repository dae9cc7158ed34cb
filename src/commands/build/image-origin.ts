import { sourceDateEpoch } from '../../host/epoch.ts';
import type { Host } from '../../host/host.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Evaluation } from '../../nix/types.ts';
import type { ImageOrigin } from '../../registry/remembered.ts';

/** What a run knows, without asking anybody, of what its image is made from and for. */
export function originOfImage(
  { installable, system }: Pick<Evaluation, 'installable' | 'system'>,
  settings: BuildSettings,
  env: Host['env'],
): ImageOrigin {
  const [flake = '', attribute] = installable.split('#', 2);
  const [, dir] = /[?&]dir=([^&]+)/.exec(flake) ?? [];
  // the flake of another place is not of the workflow's commit
  const commit = flake.startsWith('.') ? settings.annotations[revision] : undefined;
  const { compression, maxLayerSize, labels, nix, event } = settings;
  const branch = env.GITHUB_REF_NAME;
  const decisive = { compression, maxLayerSize, labels, sourceDateEpoch: sourceDateEpoch(env) };
  return {
    ...(commit ? { commit } : {}),
    ...(dir ? { dir } : {}),
    ...(attribute ? { attribute } : {}),
    system,
    ...(nix.nixVersion ? { nix: nix.nixVersion } : {}),
    settings: decisive,
    ...(branch ? { branch } : {}),
    ...(event ? { event } : {}),
  };
}

/** OCI's name of the annotation that tells a commit. */
const revision = 'org.opencontainers.image.revision';
