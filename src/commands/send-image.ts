import { fieldsOf } from '../host/foreign-value.ts';
import { digestOf } from '../image/digest.ts';
import type { RegistryPlace } from '../image/oci/reader.ts';
import type { SourceImage, SourceLayer } from '../image/sources/source-image.ts';
import type { Knowledge, Presence } from '../registry/reuse.ts';
import type { ImageStore } from '../registry/store.ts';
import { type Image, imageOf } from './push.ts';
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

/** An image of another tool whose layers are in the store. */
export interface SentLayers {
  blobs: readonly LayerBlob[];
  image: Image;
}

/**
 * Sends what the store lacks of the layers of an image that another tool made. Where nothing of it was
 * changed, its manifest stays what it was, to the byte.
 */
export async function sendLayers(image: SourceImage, work: SendWork): Promise<SentLayers> {
  const blobs: LayerBlob[] = [];
  if (image.sequential) {
    for (const [index, layer] of image.layers.entries()) {
      blobs.push(await sendLayer(layer, index, work));
    }
  } else {
    blobs.push(...(await Promise.all(image.layers.map((each, at) => sendLayer(each, at, work)))));
  }
  return { blobs, image: imageWith(image, blobs, work) };
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
  return (await isMounted(digest, from, store)) ? { ...blob, transfer: 'mounted' } : undefined;
}

/** Makes a blob of another place known in the store, where both are in one registry; false: it was not done. */
export async function isMounted(
  digest: string,
  from: RegistryPlace | undefined,
  store: ImageStore,
): Promise<boolean> {
  if (from === undefined || from.registry !== store.place?.registry) return false;
  return store.mountBlob(digest, from.repository);
}

function imageWith(
  { layers, config, manifest: found }: SourceImage,
  blobs: readonly LayerBlob[],
  { store, labels, annotations }: SendWork,
): Image {
  const given = Object.keys({ ...labels, ...annotations }).length > 0;
  const said = { ...found?.annotations, ...annotations };
  const labelled = withLabels(config(blobs.map(blob => blob.diffId)), labels);
  const image = imageOf(labelled, blobs, said);
  const isChanged = given || layers.some(({ source }, at) => source.digest !== blobs[at]?.digest);
  if (found === undefined || isChanged || !store.takes(found.mediaType)) return image;
  const { bytes, mediaType } = found;
  return { ...image, manifest: { bytes, mediaType, digest: digestOf(bytes) } };
}

/** The config with labels more, whatever another tool wrote in their place; without any it keeps its bytes. */
function withLabels(config: Buffer, labels: Readonly<Record<string, string>>): Buffer {
  if (Object.keys(labels).length === 0) return config;
  const image: unknown = JSON.parse(config.toString());
  const own = fieldsOf(fieldsOf(image).config);
  const Labels = { ...fieldsOf(own.Labels), ...labels };
  return Buffer.from(JSON.stringify({ ...fieldsOf(image), config: { ...own, Labels } }));
}
