/**
 * From this size on a target of a layer of several is a blob of its own: bytes, unpacked, of what it adds
 * to the image, which is its closure less all that is below it, as NARs.
 */
export const ownBlobSize = 16 * 2 ** 20;

/**
 * Groups the targets of a layer, given by their sizes, into blobs: one of `least` bytes or more is alone;
 * all others are together, and uppermost, since any of them changes that blob. What adds nothing is in none.
 *
 * @returns places in `sizes`
 */
export function groupTargets(sizes: readonly number[], least: number): number[][] {
  const alone: number[][] = [];
  const shared: number[] = [];
  for (const [at, size] of sizes.entries()) {
    if (size >= least) alone.push([at]);
    else if (size > 0) shared.push(at);
  }
  return shared.length > 0 ? [...alone, shared] : alone;
}

/**
 * The least size of a blob of its own with which all layers together have at most `limit` blobs:
 * {@link ownBlobSize}, doubled until it is so. Each layer keeps one.
 */
export function leastOwnSize(layers: readonly (readonly number[])[], limit: number): number {
  const largest = Math.max(0, ...layers.flat());
  for (let least = ownBlobSize; ; least *= 2) {
    const blobs = layers.reduce((sum, sizes) => sum + groupTargets(sizes, least).length, 0);
    if (blobs <= limit || least > largest) return least;
  }
}
