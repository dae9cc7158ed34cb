import type { SourceStore } from '../image/sources/source-files.ts';
import { queryClosures } from '../nix/store.ts';
import { findStorePlace } from '../nix/store-place.ts';
import type { Nix } from '../nix/types.ts';

/** The store that an image may come from, asked of Nix. */
export async function sourceStore(nix: Nix): Promise<SourceStore> {
  const { storeDir, place } = await findStorePlace(nix);
  return {
    storeDir,
    place,
    closureOf: async path => new Set((await queryClosures(nix, [path])).get(path)),
  };
}
