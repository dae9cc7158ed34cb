import type { Host } from '../../host/host.ts';
import { inSpan } from '../../host/span.ts';
import { packageName } from '../../image/split.ts';
import { attribute } from '../../nix/attribution.ts';
import { readDerivationFile, readDerivationGraph } from '../../nix/derivation.ts';
import { placedOn, prepareDisk } from '../../nix/disk.ts';
import { type ListedNeeds, queryBuilds } from '../../nix/disk-needs.ts';
import { isOfTargets } from '../../nix/recipe-layers.ts';
import type { DerivationOutput, LayerTarget, Nix, RecipeLayer } from '../../nix/types.ts';
import type { ImageContext } from './context.ts';

/** Sees to what Nix needs before it realises something. */
export interface Provider {
  /**
   * A Nix that has all that it needs in order to realise outputs that the store does not have: caches
   * that answer, what earlier runs built for them, from GitHub's cache, and room on the disk. Where
   * none is missing, nothing is asked.
   * Rejects with a {@link Failure} where even the downloads do not fit.
   */
  nixFor(missing: readonly DerivationOutput[]): Promise<Nix>;
  /** Resolves when no more space is being freed, and nothing more is told; never rejects. */
  ended(): Promise<void>;
}

/** Hears what Nix would fetch and build, just before it begins. */
export interface Foreteller {
  /** Waits only where the run may have to end before it begins; then it rejects with that `Failure`. */
  hear(needs: ListedNeeds | undefined): Promise<void>;
  /** Resolves when nothing more will be told; never rejects. */
  ended(): Promise<void>;
}

/** What providing works with. */
export interface ProviderContext
  extends Pick<ImageContext, 'nix' | 'evaluation' | 'settings' | 'state'> {
  /** Hears what Nix would do. */
  foreteller?: Foreteller | undefined;
}

/** Provides for one batch of outputs after the other, so that a later one finds what is restored. */
export function startProviding(context: ProviderContext, host: Host): Provider {
  const nix = { ...context.nix, host };
  const { state, settings } = context;
  const restore = restorer(context, nix);
  const reclaiming: Promise<unknown>[] = [];
  let batch: Promise<unknown> = Promise.resolve();

  const provide = async (missing: readonly DerivationOutput[]): Promise<Nix> => {
    const [first] = missing;
    if (first !== undefined) await state.caches?.failing.ask(first.outPath);
    const usable = (await state.caches?.failing.without(nix)) ?? nix;
    const withCaches = placedOn({ conf: await restore(missing), env: {} }, usable);
    const disk = await prepareDisk(withCaches, missing, settings.reclaimDisk);
    await context.foreteller?.hear(disk.needs);
    reclaiming.push(disk.reclaimed.then(names => state.reclaimed.push(...names)));
    return placedOn(disk, withCaches);
  };
  return {
    nixFor: missing => {
      const provided = batch.then(() => inSpan(host, { kind: 'restore' }, () => provide(missing)));
      batch = provided.catch(() => undefined);
      return provided;
    },
    ended: async () => {
      await batch;
      await Promise.all(reclaiming);
      await context.foreteller?.ended();
    },
  };
}

/** Restores what must be built, each target once; gives lines of nix.conf for all that was restored. */
function restorer({ evaluation, state }: ProviderContext, nix: Nix) {
  const { recipe, target, system } = evaluation;
  const isArchive = recipe === undefined;
  const pending = new Set<Target>(recipe ? recipe.layers.flatMap(entriesOf) : [target]);
  const urls: string[] = [];
  return async (missing: readonly DerivationOutput[]): Promise<string[]> => {
    const { github } = state;
    if (github !== undefined && missing.length > 0) {
      const wanted = await targetsOfBuilds(missing, [...pending], nix);
      for (const each of wanted) pending.delete(each);
      const kept = wanted.filter(each => !isDownload(each, nix));
      const found = await github.restoreTargets(
        kept.map(({ name, drvPath, outPath }) => ({ name, drvPath, outPath, isArchive })),
        system,
      );
      urls.push(...found.map(({ url }) => url));
    }
    return urls.length === 0 ? [] : [`extra-substituters = ${urls.join(' ')}`];
  };
}

interface Target extends Pick<LayerTarget, keyof DerivationOutput | 'name'> {
  /** One of the targets of a layer. */
  isOfSeveral?: true;
}

/** What of a layer is kept by itself: each of several targets, by a name that its versions share. */
function entriesOf(layer: RecipeLayer): Target[] {
  if (!isOfTargets(layer)) return [layer];
  const names = layer.targets.map(({ outPath }) => `${layer.name}-${packageName(outPath)}`);
  return layer.targets.map((target, at) => {
    const name = names[at] ?? layer.name;
    const before = names.slice(0, at).filter(each => each === name).length;
    return { ...target, isOfSeveral: true, name: before === 0 ? name : `${name}-${before + 1}` };
  });
}

/** A target that is a download, such as a wheel, has a server of its own, and shall not fill the cache. */
const isDownload = ({ isOfSeveral, drvPath }: Target, { place }: Nix) =>
  isOfSeveral === true && readDerivationFile(drvPath, place).env.has('outputHash');

/**
 * The targets to which what would have to be built belongs. A layer that the registry holds may be
 * among them: the one that has changed is built from what was built for it.
 */
async function targetsOfBuilds(
  outputs: readonly DerivationOutput[],
  targets: readonly Target[],
  nix: Nix,
): Promise<Target[]> {
  const builds = await queryBuilds(nix, outputs);
  if (builds?.size === 0) return [];
  const graph = await readDerivationGraph(targets.map(({ drvPath }) => drvPath));
  const { layerOf } = attribute(graph, targets);
  const drvPaths = builds ?? outputs.map(({ drvPath }) => drvPath);
  const names = new Set([...drvPaths].map(layerOf));
  return targets.filter(({ name }) => names.has(name));
}
