import { compressedBlob, type Packing } from './compress.ts';
import type { ByteSource } from './frames.ts';
import { storeEntries } from './store-tree.ts';
import { nixDialect, type TarDialect, type TarEntry } from './tar-header.ts';
import { tarBytes, tarSize } from './tar-writer.ts';
import { type BlobSource, mediaTypes } from './types.ts';

/** A blob packed from bytes that can be opened again and again. */
export function packedBlobSource(
  open: () => ByteSource,
  packing: Packing,
  known: Pick<BlobSource, 'uncompressedSize' | 'diffId'> = {},
): BlobSource {
  return {
    mediaType: mediaTypes.layer[packing.compression],
    ...known,
    open: signal => compressedBlob(open, packing, signal),
  };
}

/** A layer of tar entries, which are listed anew for each reading. */
export function entriesBlobSource(
  list: () => Iterable<TarEntry>,
  packing: Packing,
  dialect: TarDialect = nixDialect,
  stated: Pick<BlobSource, 'diffId'> = {},
): BlobSource {
  // listing costs little beside reading; what is sent as it is may have to say its size first
  const known =
    packing.compression === 'none' ? { uncompressedSize: tarSize(list(), dialect) } : {};
  return packedBlobSource(() => tarBytes(list(), dialect), packing, { ...stated, ...known });
}

/**
 * A layer of store paths, in this program's own tar; the order of `paths` does not matter. Their files are
 * in the folder `place`, which in chroot stores is another one than they say.
 */
export function storeBlobSource(
  paths: readonly string[],
  packing: Packing,
  { storeDir = '/nix/store', place = storeDir }: { storeDir?: string; place?: string } = {},
): BlobSource {
  const sorted = [...paths]
    .sort()
    .map(path => ({ path, place: `${place}${path.slice(storeDir.length)}` }));
  return entriesBlobSource(() => storeEntries(sorted, nixDialect, storeDir), packing);
}
