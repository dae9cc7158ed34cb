import { makeReferencesLayer } from './added-layers/references-layer.ts';
import { makeRootLayer } from './added-layers/root-layer.ts';
import type { LayerWork } from './layer-work.ts';
import { decideTargetLayers } from './layers.ts';
import { checkComplete } from './publish.ts';
import type { MadeLayer } from './state.ts';

/**
 * Makes all layers of an image. Those that the program adds are sent beside those of the targets, or after
 * them where the order counts.
 */
export async function makeAllLayers(work: LayerWork): Promise<MadeLayer[]> {
  const held = new Set<string>();
  const { made } = await decideTargetLayers(work, held);
  const { keepsOrder } = work.transfers;
  if (keepsOrder) await made;
  const added = makeReferencesLayer(work, held);
  if (keepsOrder) await added;
  const [targets, references, root] = await Promise.all([made, added, makeRootLayer(work)]);
  checkComplete(work.lessons.closures(), held);
  return [...targets, ...(references ? [references] : []), root];
}
