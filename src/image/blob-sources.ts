import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';
import { compressedBlob, type Packing } from './compress.ts';
import type { ByteSource } from './frames.ts';
import { storeEntries } from './store-tree.ts';
import {
  type ByteString,
  nixDialect,
  type TarDialect,
  type TarEntry,
  toText,
} from './tar-header.ts';
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

/** What layers mean by a name that begins so: that the rest of it is deleted (image-spec, layer.md). */
const whiteout = '.wh.';

function* withoutWhiteouts(entries: Iterable<TarEntry>): Generator<TarEntry> {
  for (const entry of entries) {
    const { path, source } = entry;
    if (path.startsWith(whiteout, path.lastIndexOf('/') + 1))
      throw isWhiteout(source?.path ?? path);
    yield entry;
  }
}

const isWhiteout = (path: ByteString) =>
  new Failure(`No layer can hold ${visible(toText(path))}: its name begins with "${whiteout}".`, {
    tried: 'Engines take such a file for a mark that deletes another one, and unpack neither.',
    next: 'Rename it in the derivation that makes it, or leave it out.',
  });

/** A layer of tar entries, which are listed anew for each reading. */
export function entriesBlobSource(
  list: () => Iterable<TarEntry>,
  packing: Packing,
  dialect: TarDialect = nixDialect,
  stated: Pick<BlobSource, 'diffId'> = {},
): BlobSource {
  const entries = () => withoutWhiteouts(list());
  // listing costs little beside reading; what is sent as it is may have to say its size first
  const known =
    packing.compression === 'none' ? { uncompressedSize: tarSize(entries(), dialect) } : {};
  return packedBlobSource(() => tarBytes(entries(), dialect), packing, { ...stated, ...known });
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
