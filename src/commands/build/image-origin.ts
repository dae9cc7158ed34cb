import { sourceDateEpoch } from '../../host/epoch.ts';
import type { Host } from '../../host/host.ts';
import { formatVersion } from '../../image/keys.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { type FlakeSource, type LocalFlake, localFlake } from '../../nix/flake-source.ts';
import type { Evaluation, Recipe } from '../../nix/types.ts';
import type { ImageOrigin } from '../../registry/remembered.ts';

/** What of an evaluation is remembered of the image. */
type Evaluated = Pick<Evaluation, 'installable' | 'system' | 'locked' | 'imageTag'> & {
  recipe?: Pick<Recipe, 'tag' | 'created'> | undefined;
};

/** What was found out of the flake's repository. */
export interface SeenSource {
  /** The commit that the flake is of; absent where it is of none. */
  source?: FlakeSource | undefined;
  /** Whether an evaluation without that commit has given the same; absent where that is not known. */
  withoutCommit?: boolean | undefined;
}

/** What a run knows of what its image is made from and for. */
export function originOfImage(
  { installable, system, locked, imageTag, recipe }: Evaluated,
  settings: BuildSettings,
  env: Host['env'],
  { source, withoutCommit }: SeenSource = {},
): ImageOrigin {
  const [flake = '', attribute] = installable.split('#', 2);
  const [, dir] = /[?&]dir=([^&]+)/.exec(flake) ?? [];
  // the flake of another place is not of the workflow's commit
  const commit = flake.startsWith('.') ? settings.annotations[revision] : undefined;
  const local = source && localFlake(installable);
  const place = local ? placeOf(source, local) : { ...(commit ? { commit } : {}), dir };
  const variant = recipe?.tag ?? imageTag;
  const branch = env.GITHUB_REF_NAME;
  const { nix, event } = settings;
  const now = recipe?.created === 'now' ? { created: 'now' } : {};
  // a folder of files has no commit
  const isSame = flake.startsWith('path:') || withoutCommit;
  return present({
    ...place,
    attribute: attribute || undefined,
    withoutCommit: isSame,
    system,
    locked,
    nix: nix.nixVersion || undefined,
    settings: { ...decisive(settings, env), ...(local ? depthOf(source) : {}), ...now },
    variant: variant || undefined,
    branch: branch || undefined,
    event: event || undefined,
  });
}

/** What has to be remembered of an image for it to be the one that a run would make, but for the commit. */
export interface SoughtOrigin {
  source: FlakeSource;
  /** Of an origin all that counts, as it is there. */
  origin: ImageOrigin;
}

/**
 * What a run of this commit would remember of its image; nothing is evaluated.
 * @param system Nix's name of this machine
 */
export function soughtOrigin(
  flake: LocalFlake,
  source: FlakeSource,
  settings: BuildSettings,
  env: Host['env'],
  system: string,
): SoughtOrigin {
  const { commit, tree, dir } = placeOf(source, flake);
  const nix = settings.nix.nixVersion;
  const origin = present({
    ...{ commit, tree, dir, attribute: flake.attribute, system, locked: true },
    ...{ nix: nix || undefined, settings: { ...decisive(settings, env), ...depthOf(source) } },
  });
  return { source, origin };
}

/** Whether what is remembered of an image is just that of which this commit's is made. */
export function isSought(row: ImageOrigin, { source, origin }: SoughtOrigin): boolean {
  const isCommit = row.commit === origin.commit && row.tree === origin.tree;
  const isTree = row.tree === origin.tree && row.withoutCommit === true && source.isPlain;
  if (!isCommit && !isTree) return false;
  const names = ['dir', 'attribute', 'system', 'locked', 'nix', 'settings'] as const;
  return names.every(name => sorted(row[name]) === sorted(origin[name]));
}

function placeOf({ commit, tree, folder }: FlakeSource, { dir }: LocalFlake) {
  const below = [folder, dir].filter(Boolean).join('/');
  return { commit, tree, dir: below || undefined };
}

/** Of a commit without those before it Nix gives another count of commits. */
const depthOf = ({ isShallow }: FlakeSource) => (isShallow ? { isShallow } : {});

/**
 * Settings that decide an image's bytes, or what is evaluated. Of each a program must know all: what another
 * version of it has not written is not the same.
 */
function decisive(settings: BuildSettings, env: Host['env']): Readonly<Record<string, unknown>> {
  const { compression, maxLayerSize, repositoryLabels, overrideInputs, nix } = settings;
  const { acceptFlakeConfig } = settings;
  const { installNix, nixVersion, nixReleaseUrl, nixReleaseSha256 } = nix;
  const isUnnamed = nixReleaseUrl !== undefined && nixVersion === undefined;
  const labels = { ...repositoryLabels, ...settings.labels };
  return {
    ...{ format: formatVersion, compression, maxLayerSize, labels },
    sourceDateEpoch: sourceDateEpoch(env),
    ...(acceptFlakeConfig ? { acceptFlakeConfig } : {}),
    // the one that there is, else the newest, in both cases
    ...(installNix === 'auto' || installNix === 'none' ? {} : { installNix }),
    // an address may hold a login
    ...(isUnnamed ? { nixRelease: nixReleaseSha256 ?? fileName(nixReleaseUrl) } : {}),
    ...(overrideInputs.length > 0 ? { overrideInputs } : {}),
  };
}

const fileName = (address: string) => /([^/?#]*)(?:[?#].*)?$/.exec(address)?.[1];

/** As a text to compare: names in one order, what is undefined left out. */
const sorted = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );

/** The fields that are there. */
function present(fields: { [Name in keyof ImageOrigin]: ImageOrigin[Name] | undefined }) {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as ImageOrigin;
}

/** OCI's name of the annotation that tells a commit. */
export const revision = 'org.opencontainers.image.revision';
