import { Failure } from '../../host/failure.ts';
import { visible } from '../../host/visible.ts';
import { type Compression, mediaTypes } from '../types.ts';

/** A layer that not everybody may pass on, such as one of Windows. */
const nondistributable = 'application/vnd.oci.image.layer.nondistributable.v1.tar';

const compressions: ReadonlyMap<string, Compression> = new Map([
  [mediaTypes.layer.none, 'none'],
  [mediaTypes.layer.gzip, 'gzip'],
  [mediaTypes.layer.zstd, 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  [nondistributable, 'none'],
  [`${nondistributable}+gzip`, 'gzip'],
  [`${nondistributable}+zstd`, 'zstd'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
]);

/** Compression by a layer's media type, Docker's own names included. */
export function compressionOfMediaType(mediaType: string, name: string): Compression {
  const compression = compressions.get(mediaType);
  if (compression) return compression;
  throw new Failure(
    `${visible(name)} has a layer of the unknown media type ${visible(mediaType)}.`,
    {
      tried: `Known are: ${[...compressions.keys()].join(', ')}.`,
      next: 'Convert the image with another tool, such as skopeo copy.',
    },
  );
}

/** How OCI calls a layer that was called so, by Docker perhaps, and is now stored with this compression. */
export function ociLayerType(mediaType: string, compression: Compression): string {
  if (!isNondistributable(mediaType)) return mediaTypes.layer[compression];
  return compression === 'none' ? nondistributable : `${nondistributable}+${compression}`;
}

/** Whether a layer's media type says that not everybody may pass it on. */
export const isNondistributable = (mediaType: string): boolean =>
  /nondistributable|\.foreign\./.test(mediaType);
