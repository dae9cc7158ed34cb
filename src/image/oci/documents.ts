import { Failure } from '../../host/failure.ts';
import { type Fields, fieldsOf, isRecord, jsonValue } from '../../host/foreign-value.ts';
import { jsonExcess } from '../../host/json-size.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { isDigest } from '../digest.ts';
import { type Descriptor, type Manifest, mediaTypes } from '../types.ts';
import { chooseManifest, type Platform, platformsIn } from './choose.ts';
import type { ImageReader, StoredManifest } from './reader.ts';

/** A manifest, an index or a config that is none, or is larger or deeper than such documents are. */
export class WrongDocument extends Failure {}

/** An image's manifest as it was found, and what it says. */
export interface FoundManifest {
  stored: StoredManifest;
  manifest: Manifest;
  /** What it runs on, as an index says. */
  platform?: Platform | undefined;
  /** What else the indexes on the way have images for, such as "linux/arm64". */
  others: readonly string[];
}

/** What a manifest is called by: names of RFC 6838, such as "application/vnd.oci.image.config.v1+json". */
export const isMediaType = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w.+-]{1,127}\/[\w.+-]{1,127}$/.test(value);

/**
 * The manifest at a reference, through indexes where there are any: those are resolved by platform.
 * Rejects with {@link WrongDocument} where one of them is none, and as the store does.
 *
 * @param reference tag or digest
 * @param name what the reference is called, for errors
 * @returns `missing` where nothing is there, `other-platform` where there is nothing for this one
 */
export async function findManifest(
  store: Pick<ImageReader, 'getManifest'>,
  reference: string,
  platform: Platform,
  name: string,
): Promise<FoundManifest | 'missing' | 'other-platform'> {
  let at = reference;
  const others: string[] = [];
  let said: Platform | undefined;
  for (let depth = 0; depth <= limits.nestedIndexes; depth++) {
    const stored = await store.getManifest(at);
    if (stored === undefined) return 'missing';
    const found = readManifestOrIndex(stored.bytes, name);
    if ('layers' in found) return { stored, manifest: found, platform: said, others };
    const fitting = chooseManifest(found.manifests, platform);
    if (fitting === undefined) return 'other-platform';
    others.push(...platformsIn(found.manifests.filter(each => each !== fitting)));
    said = fitting.platform;
    at = fitting.digest;
  }
  throw wrong(name, `more than ${limits.nestedIndexes} indexes lie within each other`);
}

/** An index of images. */
export interface ImageIndex {
  manifests: readonly Descriptor[];
}

/** What a document says that is an image's manifest or an index of such. @throws WrongDocument */
export function readManifestOrIndex(bytes: Buffer, name: string): Manifest | ImageIndex {
  const document = readDocument(bytes, name);
  return 'manifests' in document
    ? { manifests: entriesOf(document, name) }
    : manifestOf(document, name);
}

/** What an index says. @throws WrongDocument */
export const readIndex = (bytes: Buffer, name: string): ImageIndex => ({
  manifests: entriesOf(readDocument(bytes, name), name),
});

/** What an image's manifest says. @throws WrongDocument */
export function readManifest(bytes: Buffer, name: string): Manifest {
  return manifestOf(readDocument(bytes, name), name);
}

/**
 * The config of an image and the diffIDs that it states, one for each layer. Rejects with
 * {@link WrongDocument} where it is none, or not this manifest's.
 */
export async function readConfig(
  store: Pick<ImageReader, 'getBlob'>,
  { config, layers }: Manifest,
  name: string,
): Promise<{ bytes: Buffer; diffIds: string[] }> {
  if (config.size > limits.document) throw wrong(name, `its config has ${config.size} bytes`);
  const bytes = await store.getBlob(config);
  if (bytes === undefined) throw wrong(name, `its config ${config.digest} is gone`);
  const diffIds = diffIdsIn(bytes, `the config of ${name}`);
  if (diffIds.length !== layers.length) {
    throw wrong(name, `it has ${layers.length} layers and ${diffIds.length} diffIDs`);
  }
  return { bytes, diffIds };
}

/** What an image's config says that it runs on; undefined where it does not. */
export const platformIn = (config: Buffer): Platform | undefined =>
  platformOf(jsonValue(config.toString()));

/** The diffIDs that an image's config states. @throws WrongDocument */
export function diffIdsIn(config: Buffer, name: string): string[] {
  const { rootfs } = readDocument(config, name);
  const diffIds = isRecord(rootfs) ? rootfs.diff_ids : undefined;
  if (Array.isArray(diffIds) && diffIds.every(isDigest)) return diffIds;
  throw wrong(name, 'it has no rootfs.diff_ids that are digests');
}

function manifestOf(document: Fields, name: string): Manifest {
  const { layers } = document;
  if (!isRecord(document.config) || !Array.isArray(layers)) {
    throw wrong(name, 'its manifest has no config or no layers');
  }
  if (layers.length > limits.manifestLayers) throw wrong(name, `it has ${layers.length} layers`);
  const config = descriptorOf(document.config, 'its config', name);
  const described = layers.map((layer, at) => descriptorOf(layer, `its layer ${at + 1}`, name));
  // the rest is kept as it is, and looked at by nobody
  return { ...(document as unknown as Manifest), config, layers: described };
}

/** What a layout's index.json says. */
export interface LayoutIndex extends ImageIndex {
  annotations: Readonly<Record<string, string>>;
}

/** Reads a layout's index.json. @throws WrongDocument */
export function readLayoutIndex(bytes: Buffer, name: string): LayoutIndex {
  const document = readDocument(bytes, name);
  return { manifests: entriesOf(document, name), annotations: textsIn(document.annotations) ?? {} };
}

/** The manifests that an index lists. @throws WrongDocument */
function entriesOf({ manifests }: Fields, name: string): Descriptor[] {
  if (!Array.isArray(manifests)) throw wrong(name, 'its index has no list of manifests');
  if (manifests.length > limits.indexEntries) {
    throw wrong(name, `its index lists ${manifests.length} manifests`);
  }
  return manifests.map((each, at) => descriptorOf(each, `manifest ${at + 1} of its index`, name));
}

/** A manifest that no descriptor has said the type of says it itself, or shows what it is. */
export function statedMediaType(bytes: Buffer): string {
  const { mediaType, manifests } = fieldsOf(jsonValue(bytes.toString()));
  if (typeof mediaType === 'string') return mediaType;
  return Array.isArray(manifests) ? mediaTypes.index : mediaTypes.manifest;
}

/** What is used of a descriptor, each part as it has to be. */
function descriptorOf(value: unknown, what: string, name: string): Descriptor {
  if (!isRecord(value)) throw wrong(name, `${what} is no descriptor`);
  const { mediaType, digest, size } = value;
  if (!isDigest(digest)) throw wrong(name, `${what} has ${shown(digest)} for a sha256 digest`);
  if (!isMediaType(mediaType)) throw wrong(name, `${what} has the media type ${shown(mediaType)}`);
  if (!isSize(size)) throw wrong(name, `${what} has the size ${shown(size)}`);
  const annotations = textsIn(value.annotations);
  const platform = platformOf(value.platform);
  const { artifactType } = value;
  return {
    mediaType,
    digest,
    size,
    ...(annotations ? { annotations } : {}),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    ...(platform ? { platform } : {}),
  };
}

function platformOf(value: unknown): Descriptor['platform'] {
  if (!isRecord(value)) return undefined;
  const { architecture, os = 'linux', variant } = value;
  if (typeof architecture !== 'string' || typeof os !== 'string') return undefined;
  return { architecture, os, ...(typeof variant === 'string' ? { variant } : {}) };
}

function textsIn(value: unknown): Record<string, string> | undefined {
  if (!isRecord(value)) return undefined;
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}

const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= limits.file;

/** A document's fields. Its text is not quoted: the parser's own words would. */
function readDocument(bytes: Buffer, name: string): Fields {
  const text = bytes.toString();
  const excess = jsonExcess(text);
  if (excess !== undefined) throw wrong(name, excess);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(name, 'it is no JSON');
  }
  if (isRecord(value)) return value;
  throw wrong(name, 'it is no JSON object');
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? `"${visible(value)}"` : value === undefined ? 'nothing' : 'no text';

function wrong(name: string, how: string): WrongDocument {
  return new WrongDocument(`${name} does not describe an image: ${how}.`, {
    next: 'Check the reference, and with which tool the image was pushed; push it again.',
  });
}
