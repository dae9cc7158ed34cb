import type { Host } from '../../host/host.ts';
import { framePool } from '../../image/frames.ts';
import { states } from '../../registry/evidence.ts';
import type { Presence } from '../../registry/reuse.ts';
import { tagsNaming } from '../tags.ts';
import { recallRootLayer } from './added-layers/remembered-root.ts';
import { makeAllLayers } from './all-layers.ts';
import { type RecipeContext, startLearning } from './context.ts';
import type { LayerWork } from './layer-work.ts';
import { type ImageParts, recipeImage } from './publish.ts';
import type { Realisation } from './realisation.ts';
import type { MadeLayer } from './state.ts';

/** An image that is in the registry, to the byte, and that tags name. */
interface CurrentImage {
  /** Its blobs were seen there. */
  presence: Presence;
  /** The tags that name it. */
  tags: readonly string[];
}

/**
 * Looks whether the image, made of what is remembered and of layers that a tag's image has, is that very
 * image. Then nothing else need be asked of the registry. Undefined where it is another, or not known.
 */
export async function findCurrent(
  context: RecipeContext,
  parts: ImageParts,
): Promise<CurrentImage | undefined> {
  const { tagged, destination } = context;
  const images = new Map(tagged.flatMap(image => (image ? [[image.stored.digest, image]] : [])));
  for (const [digest, image] of images) {
    const presence: Presence = async blob =>
      states(image, blob) && image.there.has(blob.digest) ? 'present' : undefined;
    const layers = await rehearse(context, presence);
    if (layers === undefined || recipeImage(layers, parts).manifest.digest !== digest) continue;
    return { presence, tags: tagsNaming(image.stored, destination.tags, tagged) };
  }
  return undefined;
}

/** The layers that the image has by what is known; undefined where not all of it is. */
export async function rehearse(
  context: RecipeContext,
  presence: Presence,
): Promise<readonly MadeLayer[] | undefined> {
  const root = await recallRootLayer({ ...context, presence });
  if (root === undefined) return undefined;
  try {
    return await makeAllLayers({ ...rehearsal(context), presence, root });
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}

/** What cannot be had without realising or sending something. */
class Missing extends Error {}

const missing = async () => {
  throw new Missing();
};

/** The work of making layers in which nothing is realised, sent, told or learnt. */
function rehearsal(context: RecipeContext): Omit<LayerWork, 'presence' | 'root'> {
  const { nix, recipe, settings, knowledge, state } = context;
  const host: Host = { ...state.host, emit: () => undefined };
  const realisation: Realisation = {
    have: missing,
    wants: () => false,
    has: () => false,
    originOf: () => 'reused',
    ended: async () => undefined,
  };
  return {
    nix,
    host,
    recipe,
    knowledge,
    realisation,
    packing: { compression: 'none', pool: framePool(1) },
    maxLayerSize: settings.maxLayerSize,
    closures: state.closures,
    transfers: { keepsOrder: false, send: missing, ended: async () => undefined },
    lessons: startLearning(context),
    finished: () => undefined,
  };
}
