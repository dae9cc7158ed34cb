import type { Host } from '../host/host.ts';
import { warn } from '../host/say.ts';
import { manifest } from '../image/config.ts';
import { digestOf } from '../image/digest.ts';
import { type Manifest, mediaTypes } from '../image/types.ts';
import { type TaggedImage, withSeen } from '../registry/evidence.ts';
import type { RememberedImage } from '../registry/remembered.ts';
import { type Knowledge, presenceIn } from '../registry/reuse.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';
import type { SentImage } from './push.ts';
import { tagsNaming } from './tags.ts';
import type { LayerBlob } from './transfers.ts';

/** An image of another tool that was sent before, and that only tags are to be moved to. */
export interface KnownImage {
  sent: SentImage;
  blobs: LayerBlob[];
}

/** What is asked whether an image is known. */
interface KnownImageInputs {
  store: ImageStore;
  knowledge: Knowledge;
  /** Added to the manifest. */
  annotations: Readonly<Record<string, string>>;
  tags: readonly string[];
  /** The image that each of the tags names now. */
  tagged: readonly (TaggedImage | undefined)[];
  host: Host;
}

/** The image that was sent for this output, if all of it is there: it is, where a tag names it. */
export async function knownImage(
  target: NonNullable<RememberedImage['target']>,
  { store, knowledge, annotations, tags, tagged, host }: KnownImageInputs,
): Promise<KnownImage | undefined> {
  const known = await knowledge.imageOf(target.outPath, target.variant);
  if (known === undefined) return undefined;
  const manifest = withAnnotations(known.image, annotations);
  const current = tagsNaming(manifest, tags, tagged);
  const { config, layers } = known.image.manifest;
  const tell = (message: string) => warn(host, message);
  const presence = presenceIn(withSeen(store, tagged), knowledge, tell);
  const [hasConfig, ...found] = await Promise.all([
    // that of a tag's image was read
    current.length > 0 || store.hasBlob(config.digest, config.size),
    ...known.blobs.map(async blob => {
      const transfer = await presence(blob);
      return transfer ? [{ ...blob, transfer }] : [];
    }),
  ]);
  const blobs = found.flat();
  if (!hasConfig || blobs.length < layers.length) return undefined;
  if (current.length > 0) return { sent: { manifest, target, current }, blobs };
  const put = () => store.putManifest(manifest.bytes, manifest.mediaType);
  return { sent: { manifest, target, put }, blobs };
}

/** What changes with every commit is the manifest's alone, so a new one costs one request. */
export function withAnnotations(
  { stored, manifest: found }: { stored: StoredManifest; manifest: Manifest },
  annotations: Readonly<Record<string, string>>,
): StoredManifest {
  const before = found.annotations ?? {};
  const isSame = Object.entries(annotations).every(([name, text]) => before[name] === text);
  if (isSame) return stored;
  const { config, layers } = found;
  const bytes = manifest({ config, layers, annotations: { ...before, ...annotations } });
  return { bytes, mediaType: mediaTypes.manifest, digest: digestOf(bytes) };
}
