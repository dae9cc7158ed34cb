import type { SourceStore } from '../image/sources/source-files.ts';
import { startClosures } from '../nix/closures.ts';
import { findStorePlace } from '../nix/store-place.ts';
import type { Nix } from '../nix/types.ts';

/** The store that an image may come from, asked of Nix. */
export async function sourceStore(nix: Nix): Promise<SourceStore> {
  const { storeDir, place } = await findStorePlace(nix);
  const closures = startClosures();
  return {
    storeDir,
    place,
    closureOf: async path => new Set((await closures.of(nix, path)).map(each => each.path)),
  };
}
