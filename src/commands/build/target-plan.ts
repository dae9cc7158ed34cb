import { splitPaths } from '../../image/split.ts';
import type { Closures } from '../../nix/closures.ts';
import type { DerivationOutput, LayerOfTargets } from '../../nix/types.ts';
import type { Knowledge, Presence } from '../../registry/reuse.ts';
import type { LayerBlob } from '../transfers.ts';
import { knownBlob } from './layer-work.ts';
import { lessHeld, rememberedClosure, type Shares, sizeOf } from './target-layers.ts';

/** What a plan of targets is made from. */
interface TargetPlanInputs {
  knowledge: Knowledge;
  presence: Presence;
  closures: Pick<Closures, 'sizeOf'>;
  maxLayerSize: number;
}

/** What is known of a layer of several targets before anything is built. */
interface TargetPlan {
  needed: DerivationOutput[];
  /** Whether all of it is in the registry. */
  isReused: boolean;
  /** Whether all is known that its targets hold. */
  isCertain: boolean;
  /** Those that the registry holds of it. */
  blobs: LayerBlob[];
}

/**
 * Decides which targets of a layer have to be realised whatever else turns out: those of which nobody knows
 * what they hold, and, where all that is below is known, those whose blobs are not there.
 *
 * @param shares undefined where they depend on sizes that nobody knows
 * @param held receives the store paths that the layer holds
 */
export async function planTargets(
  { targets }: LayerOfTargets,
  { shares, held, certain }: { shares: Shares | undefined; held: Set<string>; certain: boolean },
  inputs: TargetPlanInputs,
): Promise<TargetPlan> {
  const known = targets.map(target => ({ target, closure: rememberedClosure(target, inputs) }));
  const needed = known.filter(({ closure }) => closure === undefined).map(({ target }) => target);
  const isKnown = needed.length === 0 && shares !== undefined;
  const small: { target: DerivationOutput; content: ReturnType<typeof lessHeld>['content'] }[] = [];
  let isReused = isKnown;
  const blobs: LayerBlob[] = [];
  const need = (...missing: DerivationOutput[]) => {
    isReused = false;
    if (certain) needed.push(...missing);
  };
  for (const { target, closure = [] } of known) {
    const { content } = lessHeld(closure, held);
    for (const { path } of content) held.add(path);
    if (shares === undefined) continue;
    if (sizeOf(content) < shares.least) small.push({ target, content });
    else if (!(await areThere(splitPaths(content, inputs.maxLayerSize, 1 + shares.spare))))
      need(target);
  }
  const shared = small.flatMap(({ content }) => content);
  // one that is not known may have to go into their blob
  if (isKnown && shared.length > 0 && !(await areThere([shared]))) {
    need(...small.map(({ target }) => target));
  }
  return { needed, isReused, isCertain: isKnown, blobs };

  async function areThere(groups: readonly (typeof shared)[]): Promise<boolean> {
    const found = await Promise.all(groups.map(group => knownBlob(group, inputs)));
    const there = found.filter(blob => blob !== undefined);
    blobs.push(...there);
    return there.length === groups.length;
  }
}
