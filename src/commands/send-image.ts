import { fieldsOf } from '../host/foreign-value.ts';
import { manifest } from '../image/config.ts';
import type { SourceImage, SourceLayer } from '../image/sources/source-image.ts';
import { mediaTypes } from '../image/types.ts';
import type { Knowledge, Presence } from '../registry/reuse.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';
import type { LayerBlob, Transfers } from './transfers.ts';

/** What sending an image works with. */
export interface SendWork {
  store: ImageStore;
  transfers: Transfers;
  knowledge: Knowledge;
  presence: Presence;
  /** The name under which blobs are reported. */
  layer: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Called with each blob that is in the store. */
  done?(blob: LayerBlob): void;
  run?: string;
}

/** An image that is in the store, and that no tag points to yet. */
export interface SentImage {
  blobs: readonly LayerBlob[];
  manifest: StoredManifest;
}

/**
 * Sends an image that another tool made: what the store lacks of its layers, then config and manifest,
 * by digest. Where nothing of it was changed, its manifest stays what it was, to the byte.
 */
export async function sendImage(image: SourceImage, work: SendWork): Promise<SentImage> {
  const blobs: LayerBlob[] = [];
  if (image.sequential) {
    for (const [index, layer] of image.layers.entries()) {
      blobs.push(await sendLayer(layer, index, work));
    }
  } else {
    blobs.push(...(await Promise.all(image.layers.map((each, at) => sendLayer(each, at, work)))));
  }
  return { blobs, manifest: await sendManifest(image, blobs, work) };
}

async function sendLayer(layer: SourceLayer, index: number, work: SendWork): Promise<LayerBlob> {
  const there = (await findKnown(layer, work)) ?? (await findStated(layer, work));
  if (there) {
    work.done?.(there);
    return there;
  }
  const { source, key } = layer;
  const sent = await work.transfers.send({
    layer: work.layer,
    index,
    key: key ?? '',
    paths: [],
    source,
    weight: source.uncompressedSize ?? source.size ?? 0,
    ...(work.run === undefined ? {} : { run: work.run }),
  });
  const blob = { ...sent, key: key ?? sent.diffId };
  work.done?.(blob);
  return blob;
}

/** A layer that the memory knows, by its key or by what it unpacks to. */
async function findKnown(
  { source: { diffId, digest }, key }: SourceLayer,
  { knowledge, presence }: SendWork,
): Promise<LayerBlob | undefined> {
  const known =
    (key === undefined ? undefined : knowledge.blobWithKey(key)) ??
    (diffId === undefined ? undefined : knowledge.blobWithDiffId(diffId));
  if (!known || (digest !== undefined && digest !== known.digest)) return undefined;
  const transfer = await presence(known);
  return transfer && { ...known, transfer };
}

/** A layer whose digest is known before it is read may be there, or in a repository next to it. */
async function findStated(
  { source, from }: SourceLayer,
  { store }: SendWork,
): Promise<LayerBlob | undefined> {
  const { diffId, digest, size, mediaType, uncompressedSize = 0 } = source;
  if (diffId === undefined || digest === undefined || size === undefined) return undefined;
  const blob = { digest, size, diffId, uncompressedSize, mediaType, key: diffId, paths: [] };
  if (await store.hasBlob(digest, size)) return { ...blob, transfer: 'present' };
  const mounted = from !== undefined && (await store.mountBlob(digest, from));
  return mounted ? { ...blob, transfer: 'mounted' } : undefined;
}

async function sendManifest(
  image: SourceImage,
  blobs: readonly LayerBlob[],
  { store, labels, annotations }: SendWork,
): Promise<StoredManifest> {
  const configBytes = withLabels(image.config(blobs.map(blob => blob.diffId)), labels);
  const config = await store.putBytes(configBytes, mediaTypes.config);
  const given = Object.keys({ ...labels, ...annotations }).length > 0;
  const changed =
    given || image.layers.some(({ source }, at) => source.digest !== blobs[at]?.digest);
  const found = image.manifest;
  const isKept = found !== undefined && !changed && store.takes(found.mediaType);
  const said = given ? annotations : (found?.annotations ?? {});
  const made = {
    bytes: manifest({ config, layers: blobs, annotations: said }),
    mediaType: mediaTypes.manifest,
  };
  const { bytes, mediaType } = isKept ? found : made;
  const { digest } = await store.putManifest(bytes, mediaType);
  return { bytes, mediaType, digest };
}

/** The config with labels more, whatever another tool wrote in their place; without any it keeps its bytes. */
function withLabels(config: Buffer, labels: Readonly<Record<string, string>>): Buffer {
  if (Object.keys(labels).length === 0) return config;
  const image: unknown = JSON.parse(config.toString());
  const own = fieldsOf(fieldsOf(image).config);
  const Labels = { ...fieldsOf(own.Labels), ...labels };
  return Buffer.from(JSON.stringify({ ...fieldsOf(image), config: { ...own, Labels } }));
}
