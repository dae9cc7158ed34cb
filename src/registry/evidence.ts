import { orElse } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { onceEach } from '../host/once.ts';
import { digester } from '../image/compress.ts';
import { decompress, mismatch } from '../image/decompress.ts';
import { readConfig, readManifest } from '../image/oci/documents.ts';
import { compressionOfMediaType } from '../image/oci/layer-types.ts';
import { type ByteString, toByteString } from '../image/tar-header.ts';
import { readTar, type TarMember } from '../image/tar-reader.ts';
import type { BlobResult, Descriptor, Manifest } from '../image/types.ts';
import type { KnownBlob } from './remembered.ts';
import type { ImageStore, StoredManifest } from './store.ts';

/** A layer as an image states it: its manifest the blob, its config what that unpacks to. */
type StatedLayer = Descriptor & Pick<BlobResult, 'diffId'>;

/** An image that is in a store. */
export interface StatedImage {
  stored: StoredManifest;
  manifest: Manifest;
  layers: readonly StatedLayer[];
}

/** What a store can tell of what its memory says. Nothing rejects but for an interrupt. */
export interface Evidence {
  /** The image of this manifest; undefined where it is gone or is none. It is read once. */
  image(digest: string): Promise<StatedImage | undefined>;
  /** Whether that image has the blob as a layer, all that is said of it being true. */
  isStated(blob: KnownBlob, manifest: string): Promise<boolean>;
  /**
   * Whether the blob's bytes are what is said of it, the store paths that it holds included: all of them
   * are read, once.
   */
  isContent(blob: KnownBlob): Promise<boolean>;
  /** The members of an image's last layer, read once; undefined where it is gone or is no small one. */
  lastLayer(manifest: string): Promise<readonly TarMember[] | undefined>;
}

/** An image that a tag names, and those of its blobs that were asked for, and are there. */
export interface TaggedImage extends StatedImage {
  there: ReadonlySet<string>;
}

/** The same of a store with tags. */
export interface StoreEvidence extends Evidence {
  /**
   * The image that a tag names now, which is known by its digest then, too. Its layers are asked for while
   * its config is read: a registry may have lost one.
   */
  imageAt(tag: string): Promise<TaggedImage | undefined>;
}

/** Asks the store in which a memory is about its blobs. */
export function evidenceIn(store: ImageStore): StoreEvidence {
  const named = new Map<string, Promise<StatedImage | undefined>>();
  const read = async (name: string) => {
    const stored = await orElse(store.getManifest(name), undefined);
    return stored && orElse(statedImage(store, stored), undefined);
  };
  const asked = onceEach(digest => digest, read);
  const image = (digest: string) => named.get(digest) ?? asked(digest);
  return {
    image,
    imageAt: async tag => {
      const stored = await orElse(store.getManifest(tag), undefined);
      if (stored === undefined) return undefined;
      const reading = orElse(statedImage(store, stored), undefined);
      named.set(stored.digest, reading);
      const [found, there] = await Promise.all([reading, layersThere(store, stored)]);
      return found && { ...found, there };
    },
    isStated: async (blob, manifest) => {
      const found = await image(manifest);
      return found !== undefined && states(found, blob);
    },
    isContent: onceEach(
      ({ digest, diffId, key }) => `${digest} ${diffId} ${key}`,
      (blob: KnownBlob) => orElse(isContent(store, blob), false),
    ),
    lastLayer: onceEach(
      digest => digest,
      async (digest: string) => {
        const layer = (await image(digest))?.layers.at(-1);
        return layer && orElse(readSmallLayer(store, layer), undefined);
      },
    ),
  };
}

async function statedImage(store: ImageStore, stored: StoredManifest): Promise<StatedImage> {
  const name = `${store.repository}@${stored.digest}`;
  const manifest = readManifest(stored.bytes, name);
  const { diffIds } = await readConfig(store, manifest, name);
  const layers = manifest.layers.map((layer, at) => ({ ...layer, diffId: diffIds[at] ?? '' }));
  return { stored, manifest, layers };
}

/** The same store, which is not asked again for layers that were seen there. */
export function withSeen(store: ImageStore, tagged: readonly (TaggedImage | undefined)[]) {
  const sizes = new Map<string, number>();
  for (const image of tagged) {
    for (const { digest, size } of image?.layers ?? []) {
      if (image?.there.has(digest)) sizes.set(digest, size);
    }
  }
  const hasBlob: ImageStore['hasBlob'] = async (digest, size) =>
    (size !== undefined && sizes.get(digest) === size) || store.hasBlob(digest, size);
  return { ...store, hasBlob };
}

/** Which of an image's layers a store has; what cannot be asked for is not known to be there. */
async function layersThere(store: ImageStore, { bytes, digest }: StoredManifest) {
  const asked = async () => {
    const { layers } = readManifest(bytes, `${store.repository}@${digest}`);
    const distinct = new Map(layers.map(layer => [layer.digest, layer]));
    const there = [...distinct.values()].map(async layer => {
      const isThere = await orElse(store.hasBlob(layer.digest, layer.size), false);
      return isThere ? [layer.digest] : [];
    });
    return new Set((await Promise.all(there)).flat());
  };
  return orElse(asked(), new Set<string>());
}

/** Whether an image has the blob as a layer, all that is said of it being true. */
export const states = ({ layers }: StatedImage, blob: KnownBlob): boolean =>
  layers.some(layer => isSame(layer, blob));

const isSame = (layer: StatedLayer, blob: KnownBlob) =>
  layer.digest === blob.digest &&
  layer.size === blob.size &&
  layer.mediaType === blob.mediaType &&
  layer.diffId === blob.diffId;

async function isContent(store: ImageStore, blob: KnownBlob): Promise<boolean> {
  const seen = unpacking(store, blob, blob.uncompressedSize);
  const members = blob.paths.length > 0 ? readTar(seen.bytes, seen.name) : [];
  const right = await holdsJust(blob.paths, members);
  if (!right) return false;
  await seen.rest();
  const { digest, size, diffId, uncompressedSize } = seen.result();
  const sizes = size === blob.size && uncompressedSize === blob.uncompressedSize;
  return sizes && digest === blob.digest && diffId === blob.diffId;
}

/** Whether the members of a layer are these store paths, with their parents, and nothing else. */
async function holdsJust(
  paths: readonly string[],
  members: AsyncIterable<TarMember> | Iterable<TarMember>,
): Promise<boolean> {
  const wanted = new Set(paths.map(path => toByteString(path).slice(1)));
  const depth = paths[0]?.split('/').filter(Boolean).length ?? 0;
  const found = new Set<ByteString>();
  for await (const { type, path } of members) {
    const parts = path.split('/');
    if (parts.length < depth && type === 'directory') continue;
    const top = parts.slice(0, depth).join('/');
    if (!wanted.has(top)) return false;
    found.add(top);
  }
  return found.size === wanted.size;
}

async function readSmallLayer(store: ImageStore, layer: StatedLayer): Promise<TarMember[]> {
  if (layer.size > limits.rootLayer) return [];
  const seen = unpacking(store, layer, limits.rootLayerUnpacked);
  const members: TarMember[] = [];
  for await (const { content: _, ...member } of readTar(seen.bytes, seen.name)) {
    members.push(member);
  }
  await seen.rest();
  const { digest, diffId } = seen.result();
  if (digest === layer.digest && diffId === layer.diffId) return members;
  throw mismatch(seen.name, layer.diffId, diffId);
}

/**
 * A layer's uncompressed bytes, which may be left before their end and read on by `rest`; what they and
 * the blob are is known after that. Throws a {@link Failure} past `most` bytes.
 */
function unpacking(store: ImageStore, blob: Descriptor, most: number) {
  const name = `the blob ${blob.digest} of ${store.repository}`;
  const packed = digester();
  const unpacked = digester();
  async function* stored() {
    for await (const chunk of store.openBlob(blob)) {
      packed.update(chunk);
      yield chunk;
    }
  }
  const chunks = decompress(stored(), compressionOfMediaType(blob.mediaType, name), name);
  async function* bytes() {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      unpacked.update(next.value);
      if (unpacked.size() > most) throw mismatch(name, `at most ${most} bytes`, 'more');
      yield next.value;
    }
  }
  return {
    name,
    bytes: bytes(),
    async rest() {
      for await (const _ of bytes());
    },
    result: (): BlobResult => ({
      digest: packed.digest(),
      size: packed.size(),
      diffId: unpacked.digest(),
      uncompressedSize: unpacked.size(),
    }),
  };
}
