import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import { inSpan } from '../host/span.ts';
import { manifest } from '../image/config.ts';
import { digestOf } from '../image/digest.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';
import type { RememberedImage } from '../registry/remembered.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';
import { moveTags } from './tags.ts';
import type { LayerBlob } from './transfers.ts';

/** An image as it is to be put, all of whose layers are in the store. */
export interface Image {
  config: Buffer;
  manifest: StoredManifest;
  /** Whether something was sent for it, so that nobody can have its config yet. */
  isNew: boolean;
}

/** Makes an image of its config and of its layers, lowest first. */
export function imageOf(
  config: Buffer,
  layers: readonly (Descriptor & Pick<LayerBlob, 'transfer'>)[],
  annotations: Readonly<Record<string, string>>,
): Image {
  const described = describe(config, mediaTypes.config);
  const bytes = manifest({ config: described, layers, annotations });
  const { digest, mediaType } = describe(bytes, mediaTypes.manifest);
  const isNew = layers.some(({ transfer }) => transfer === 'uploaded');
  return { config, manifest: { bytes, mediaType, digest }, isNew };
}

const describe = (bytes: Buffer, mediaType: string): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** Puts config and manifest by digest. */
export async function putImage(store: ImageStore, image: Image): Promise<void> {
  const { config, manifest, isNew } = image;
  await store.putBytes(config, mediaTypes.config, { isNew });
  await store.putManifest(manifest.bytes, manifest.mediaType);
}

/** An image of which all blobs are there. */
export interface SentImage {
  manifest: StoredManifest;
  /** Puts what has to be there before a tag moves, such as config and manifest; absent where all is there. */
  put?: (() => Promise<unknown>) | undefined;
  /** The tags that name it already. */
  current?: readonly string[] | undefined;
  /** The target that is the image, if one is. */
  target?: RememberedImage['target'];
}

/** An image that is there, or is as soon as it was `put`. */
export interface FinishedImage extends Pick<SentImage, 'manifest' | 'target' | 'current'> {
  put: Promise<unknown>;
}

/** Where an image is pushed to, and what is done with what comes of it. */
export interface Push {
  store: ImageStore;
  tags: readonly string[];
  host: Host;
  /** What has to be done before a tag moves. */
  beforeTags?(manifest: StoredManifest): Promise<unknown>;
  /** Writes what was learnt; of an image, or of what was done before a failure: of that error. */
  remember(finished?: FinishedImage, error?: unknown): Promise<void>;
  /** Told where that cannot be: the push goes on. */
  notRemembered(error: unknown): void;
}

/**
 * Pushes an image of any kind: its blobs by `send`, then config and manifest by digest, then its tags;
 * the memory is written beside those, also where something failed.
 */
export async function push(
  { store, tags, host, beforeTags, ...memory }: Push,
  send: () => Promise<SentImage>,
): Promise<StoredManifest> {
  let remembered: Promise<void> | undefined;
  const remember = (finished?: FinishedImage, error?: unknown) => {
    remembered ??= inSpan(host, { kind: 'memory-write' }, () =>
      writeMemory(memory, finished, error),
    );
    return remembered;
  };
  try {
    const { manifest, target, current, ...sent } = await send();
    await inPhase(host, 'finish', async () => {
      await beforeTags?.(manifest);
      const { digest: detail } = manifest;
      const put = inSpan(host, { kind: 'manifest', detail }, async () => sent.put?.());
      const moved = put.then(() => moveTags(store, tags, manifest, host, current));
      // while tags move it is seen whether another run writes the memory, too
      const finished = { manifest, put, current, ...(target ? { target } : {}) };
      await Promise.all([remember(finished), moved]);
    });
    return manifest;
  } catch (error) {
    await remember(undefined, error);
    throw error;
  }
}

/** Where the image is not put in the end, a memory is written without it. */
async function writeMemory(
  memory: Pick<Push, 'remember' | 'notRemembered'>,
  finished?: FinishedImage,
  reason?: unknown,
): Promise<void> {
  try {
    await memory.remember(finished, reason);
  } catch (error) {
    if (finished && (await isRejected(finished.put))) return writeMemory(memory, undefined, error);
    memory.notRemembered(error);
  }
}

async function isRejected(put: Promise<unknown>): Promise<boolean> {
  const [{ status }] = await Promise.allSettled([put]);
  return status === 'rejected';
}
