import type { RunContext } from '../context.ts';
import { allRead, type Exactly, type Values, type ValuesOf } from '../parse.ts';
import type { CacheSettings, CachixPush, ConfSettings, SetupSettings } from '../settings.ts';
import type { cacheInputs } from '../table/caches.ts';
import { badInput } from '../values.ts';

/** What `build` begins with as well: a Nix with its settings, caches and builders. */
type PreparationValues = Omit<Values<'setup'>, 'check' | 'undo'>;

/** The settings of a Nix that is to be ready; they are written to `place`. */
export function readPreparation<Given extends PreparationValues>(
  values: Exactly<PreparationValues, Given>,
  context: RunContext,
  place: ConfSettings['place'],
): Omit<SetupSettings, 'task'> {
  const all: PreparationValues = values;
  const { installNix, nixVersion, nixReleaseUrl, nixReleaseSha256, ...settings } = all;
  const { nixConf, accessTokens, githubToken, trustedUsers, maxJobs, cores, ...machines } =
    settings;
  const { builders, builderSshKey, builderKnownHosts, reclaimDisk, ...caches } = machines;
  const { github, temporaryDirectory } = context;
  return {
    nix: { installNix, nixVersion, nixReleaseUrl, nixReleaseSha256 },
    conf: {
      lines: nixConf,
      accessTokens,
      jobToken: github && githubToken,
      trustedUsers,
      maxJobs,
      cores,
      place,
    },
    caches: readCaches(caches, github?.fork === undefined),
    builders:
      builders.length === 0
        ? undefined
        : {
            builders: builders.join('\n'),
            sshKey: builderSshKey,
            knownHosts: builderKnownHosts.join('\n') || undefined,
          },
    reclaimDisk,
    ...(github?.fork === undefined ? {} : { cacheRefusal: refusalFor(github.fork) }),
    temporaryDirectory,
  };
}

const refusalFor = (fork: string) =>
  `Caches are only read, and no token or remote builder is used: the code comes from ${fork}.`;

type CacheValues = ValuesOf<typeof cacheInputs>;

function readCaches<Given extends CacheValues>(
  values: Exactly<CacheValues, Given>,
  save: boolean,
): CacheSettings {
  const all: CacheValues = values;
  const { cudaCaches, extraSubstituters, extraTrustedPublicKeys, ...targets } = all;
  const { binaryCaches, binaryCacheSigningKey, githubCache, githubCacheLimit, ...cachix } = targets;
  return {
    cudaCaches,
    substituters: extraSubstituters,
    publicKeys: extraTrustedPublicKeys,
    cachix: readCachix(cachix),
    binaryCaches,
    signingKey: binaryCacheSigningKey,
    github: { use: githubCache, limit: githubCacheLimit, save },
  };
}

type CachixValues = Pick<CacheValues, Extract<keyof CacheValues, `cachix${string}`>>;

function readCachix<Given extends CachixValues>(
  values: Exactly<CachixValues, Given>,
): CacheSettings['cachix'] {
  const all: CachixValues = values;
  const { cachixName: names, cachixPull, cachixPush: mode, ...secrets } = all;
  const { cachixAuthToken: tokenOf, cachixSigningKey: keyOf, cachixPushFilter, ...rest } = secrets;
  allRead(rest);
  const candidates: CachixPush[] = names.map(name => ({
    name,
    token: tokenOf(name),
    signingKey: keyOf(name),
  }));
  const able = candidates.filter(({ token, signingKey }) => token ?? signingKey);
  if (mode === 'true' || mode === 'required') checkAble(names, able);
  return {
    pull: [...new Set([...names, ...cachixPull])].map(name => ({ name, token: tokenOf(name) })),
    push: mode === 'false' ? [] : able,
    filter: cachixPushFilter,
    required: mode === 'required',
  };
}

/** A push that is asked for has to be possible. */
function checkAble(names: readonly string[], able: readonly CachixPush[]): void {
  if (names.length === 0) {
    throw badInput('cachix-push', 'there is no cache in `cachix-name` to push to.');
  }
  const unable = names.filter(name => !able.some(cache => cache.name === name));
  if (unable.length === 0) return;
  throw badInput('cachix-push', `there is no token and no key for ${unable.join(', ')}.`);
}
