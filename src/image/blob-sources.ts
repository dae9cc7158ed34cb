import { compressedBlob, type Packing } from './compress.ts';
import type { ByteSource } from './frames.ts';
import { storeEntries } from './store-tree.ts';
import { nixDialect } from './tar-header.ts';
import { tarBytes } from './tar-writer.ts';
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

/** A layer of store paths, in this program's own tar; the order of `paths` does not matter. */
export function storeBlobSource(
  paths: readonly string[],
  packing: Packing,
  { storeDir }: { storeDir?: string } = {},
): BlobSource {
  const sorted = [...paths].sort();
  return packedBlobSource(
    () => tarBytes(storeEntries(sorted, nixDialect, storeDir), nixDialect),
    packing,
  );
}
