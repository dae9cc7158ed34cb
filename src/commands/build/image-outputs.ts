import { readManifest } from '../../image/oci/documents.ts';
import type { BuildRecord } from '../../record/types.ts';
import type { StoredManifest } from '../../registry/store.ts';
import { isAllReused } from '../../report/layers.ts';
import type { BuildOutcome } from '../outcome.ts';

/** The outputs that tell of an image; of one that was not pushed its size, as far as that is known. */
type ImageOutputs = Pick<BuildOutcome['outputs'], 'metadata' | 'imageid' | 'size' | 'reused'>;

/** What a run has made, in the words that other actions have for it. */
export function imageOutputs(
  record: BuildRecord,
  manifest: StoredManifest | undefined,
): ImageOutputs {
  const reused = isAllReused(record);
  if (record.image === undefined || manifest === undefined) return { reused };
  const { repository, tags, size } = record.image;
  const { digest, mediaType, bytes } = manifest;
  const { config } = readManifest(bytes, `${repository}@${digest}`);
  return {
    metadata: {
      'containerimage.config.digest': config.digest,
      'containerimage.descriptor': { mediaType, digest, size: bytes.length },
      'containerimage.digest': digest,
      'image.name': tags.map(tag => `${repository}:${tag}`).join(','),
    },
    imageid: config.digest,
    size,
    reused,
  };
}
