import type { Host } from '../host/host.ts';
import { warn } from '../host/say.ts';
import { manifest } from '../image/config.ts';
import { type Manifest, mediaTypes } from '../image/types.ts';
import type { RememberedImage } from '../registry/remembered.ts';
import { type Knowledge, presenceIn } from '../registry/reuse.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';
import type { LayerBlob } from './transfers.ts';

/** An image of another tool that was sent before, and that only tags are to be moved to. */
export interface KnownImage {
  manifest: StoredManifest;
  blobs: LayerBlob[];
}

/** The image that was sent for this output, if all of it is there; its manifest is stored anew. */
export async function knownImage(
  { outPath, variant }: NonNullable<RememberedImage['target']>,
  annotations: Readonly<Record<string, string>>,
  store: ImageStore,
  knowledge: Knowledge,
  host: Host,
): Promise<KnownImage | undefined> {
  const known = await knowledge.imageOf(outPath, variant);
  if (known === undefined) return undefined;
  const { config, layers } = known.image.manifest;
  if (!(await store.hasBlob(config.digest, config.size))) return undefined;
  const presence = presenceIn(store, knowledge, message => warn(host, message));
  const found = await Promise.all(
    known.blobs.map(async blob => {
      const transfer = await presence(blob);
      return transfer ? [{ ...blob, transfer }] : [];
    }),
  );
  const blobs = found.flat();
  if (blobs.length < layers.length) return undefined;
  const { bytes, mediaType } = withAnnotations(known.image, annotations);
  const { digest } = await store.putManifest(bytes, mediaType);
  return { manifest: { bytes, mediaType, digest }, blobs };
}

/**
 * What changes with every commit is the manifest's alone, so a new one costs one request. A manifest that
 * another tool made, and that nothing was added to, stays as it is.
 */
function withAnnotations(
  { stored, manifest: found }: { stored: StoredManifest; manifest: Manifest },
  annotations: Readonly<Record<string, string>>,
) {
  const { config, layers } = found;
  const isOurs = manifest({ ...found, annotations: found.annotations ?? {} }).equals(stored.bytes);
  if (!isOurs && Object.keys(annotations).length === 0) return stored;
  const bytes = manifest({ config, layers, annotations });
  return { bytes, mediaType: mediaTypes.manifest };
}
