import { digestOf } from '../../image/digest.ts';
import type { ImageContext } from '../build/context.ts';
import { variantOf } from '../build/context.ts';
import { rehearse } from '../build/current.ts';
import { type PlannedImage, partsOf } from '../build/image.ts';
import { recipeImage } from '../build/publish.ts';

/**
 * Whether nothing is to be made, and each of the tags names an image of the same layers and config: that is
 * what a matrix of jobs leaves out. Annotations of the manifest, such as the commit, do not count.
 */
export async function isUpToDate({ context, plan, presence }: PlannedImage): Promise<boolean> {
  if (plan.needed.length > 0) return false;
  const config = await configDigest({ context, presence });
  const { tagged } = context;
  return (
    config !== undefined &&
    tagged.length > 0 &&
    tagged.every(image => image?.manifest.config.digest === config)
  );
}

/** That of the image which is made of what is there alone; undefined where there is none such. */
async function configDigest({
  context,
  presence,
}: Pick<PlannedImage, 'context' | 'presence'>): Promise<string | undefined> {
  const { recipe } = context.evaluation;
  if (recipe === undefined) return madeConfig(context);
  const whole = { ...context, recipe };
  const layers = await rehearse(whole, presence);
  return layers && digestOf(recipeImage(layers, await partsOf(whole)).config);
}

async function madeConfig(context: ImageContext): Promise<string | undefined> {
  const { outPath } = context.evaluation.target;
  const known = await context.knowledge.imageOf(outPath, variantOf(context));
  return known?.image.manifest.config.digest;
}
