import { findCaches } from '../../../caches/narinfo.ts';
import { shownAddress } from '../../../host/http/address.ts';
import { type ListedNeeds, queryNeeds } from '../../../nix/disk-needs.ts';
import { targetsOf } from '../../../nix/recipe-layers.ts';
import type { DerivationOutput, Nix, RecipeLayer } from '../../../nix/types.ts';
import type { PlannedLayer } from '../../../record/types.ts';

/** Layers for which it is asked what each of them fetches: each is a question to Nix. */
const mostAsked = 40;

/** What is known of what Nix fetches. */
interface Fetches {
  nix: Nix;
  layers: readonly RecipeLayer[];
  /** Outputs that are needed and that the store does not have. */
  missing: readonly DerivationOutput[];
  needs: ListedNeeds | undefined;
}

/**
 * Adds to layers which cache has them, and the bytes that are downloaded for each: Nix is asked again for
 * those up to it, and remembers what caches have said. Rejects with a `Failure`.
 */
export async function withFetches(
  planned: readonly PlannedLayer[],
  fetches: Fetches,
): Promise<PlannedLayer[]> {
  const { needs } = fetches;
  if (needs === undefined || needs.fetched.length === 0) return [...planned];
  const [caches, bytes] = await Promise.all([
    cachesOf(planned, fetches),
    bytesOf(planned, fetches),
  ]);
  return planned.map(layer => {
    const cache = caches.get(layer.name);
    const fetchBytes = bytes.get(layer.name);
    return {
      ...layer,
      ...(cache === undefined ? {} : { cache: shownAddress(cache) }),
      ...(fetchBytes === undefined ? {} : { fetchBytes }),
    };
  });
}

const missingOf = (name: string, { layers, missing }: Fetches): DerivationOutput[] => {
  const targets = layers.find(layer => layer.name === name);
  const paths = new Set((targets ? targetsOf(targets) : []).map(({ outPath }) => outPath));
  return missing.filter(({ outPath }) => paths.has(outPath));
};

/** The cache of each layer's first target that is fetched. */
async function cachesOf(planned: readonly PlannedLayer[], fetches: Fetches) {
  const fetched = new Set(fetches.needs?.fetched);
  const paths = new Map(
    planned
      .filter(({ state }) => state === 'cache')
      .flatMap(({ name }) => {
        const first = missingOf(name, fetches).find(({ outPath }) => fetched.has(outPath));
        return first ? [[name, first.outPath] as const] : [];
      }),
  );
  const found = await findCaches(fetches.nix, [...paths.values()], fetches.nix.host);
  return new Map(
    [...paths].flatMap(([name, path]) => {
      const cache = found.get(path);
      return cache === undefined ? [] : [[name, cache] as const];
    }),
  );
}

/** What each layer adds to the downloads of those before it. */
async function bytesOf(planned: readonly PlannedLayer[], fetches: Fetches) {
  const fetching = planned.filter(({ name }) => missingOf(name, fetches).length > 0);
  if (fetching.length > mostAsked) return new Map<string, number>();
  const sums = await Promise.all(
    fetching.map((_, at) => {
      const upTo = fetching.slice(0, at + 1).flatMap(({ name }) => missingOf(name, fetches));
      // of all of them Nix has said it
      const isAll = new Set(upTo).size === fetches.missing.length;
      return isAll ? fetches.needs : queryNeeds(fetches.nix, upTo);
    }),
  );
  const before = (at: number) => (at === 0 ? 0 : sums[at - 1]?.downloadBytes);
  return new Map(
    fetching.flatMap(({ name }, at) => {
      const [from, to] = [before(at), sums[at]?.downloadBytes];
      return from === undefined || to === undefined
        ? []
        : [[name, Math.max(0, to - from)] as const];
    }),
  );
}
