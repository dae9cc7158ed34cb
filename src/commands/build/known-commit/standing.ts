import { Failure, orElse } from '../../../host/failure.ts';
import { fieldsOf, jsonValue } from '../../../host/foreign-value.ts';
import { manifest as manifestBytes } from '../../../image/config.ts';
import { digestOf } from '../../../image/digest.ts';
import { diffIdsIn, platformIn, readManifest } from '../../../image/oci/documents.ts';
import { type Manifest, mediaTypes } from '../../../image/types.ts';
import type { ListedBlob, ListedImage } from '../../../registry/memory/images.ts';
import type { ImageStore, StoredManifest } from '../../../registry/store.ts';
import { withAnnotations } from '../../known-image.ts';
import type { LayerBlob } from '../../transfers.ts';
import { revision } from '../image-origin.ts';
import type { MadeLayer } from '../state.ts';

/** An image all of which is in its repository, as this run names it. */
export interface StandingImage {
  /** With this run's annotations; it may not be there yet. */
  manifest: StoredManifest;
  /** Lowest first. */
  layers: readonly MadeLayer[];
}

/** What an image has to be. */
interface Wanted {
  annotations: Readonly<Record<string, string>>;
  /** OCI's name. */
  architecture: string;
  /** What its layers are called where its config does not tell. */
  name: string;
}

/**
 * Asks for all of an image that a memory lists: manifest and config are read, each layer is asked for, all
 * side by side. Undefined where something is gone, or is not what the memory, the manifest and the config
 * say of each other. Rejects for an interrupt alone.
 */
export async function standingImage(
  listed: ListedImage,
  store: ImageStore,
  wanted: Wanted,
): Promise<StandingImage | undefined> {
  const [stored, config, ...there] = await Promise.all([
    orElse(store.getManifest(listed.digest), undefined),
    orElse(store.getBlob({ ...listed.config, mediaType: mediaTypes.config }), undefined),
    ...listed.blobs.map(({ digest, size }) => orElse(store.hasBlob(digest, size), false)),
  ]);
  if (stored === undefined || config === undefined || !there.every(Boolean)) return undefined;
  try {
    return composed(listed, stored, config, wanted);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** @throws Failure where manifest or config are none */
function composed(
  listed: ListedImage,
  stored: StoredManifest,
  config: Buffer,
  { annotations, architecture, name }: Wanted,
): StandingImage | undefined {
  const manifest = readManifest(stored.bytes, stored.digest);
  const blobs = blobsOf(manifest, diffIdsIn(config, stored.digest), listed.blobs);
  const isOfConfig = manifest.config.digest === listed.config.digest;
  const platform = platformIn(config);
  const runsHere = platform?.os === 'linux' && platform.architecture === architecture;
  if (blobs === undefined || !isOfConfig || !runsHere) return undefined;
  if (!isOfCommit(manifest, listed.origin.commit)) return undefined;
  const names = layerNames(config) ?? blobs.map(() => name);
  const image = { stored, manifest };
  return {
    manifest:
      listed.madeAs === undefined
        ? remade(image, annotations)
        : withAnnotations(image, annotations),
    layers: layersOf(blobs, names),
  };
}

/** Where the manifest tells its commit, it is that of which the memory lists it. */
function isOfCommit({ annotations }: Manifest, commit: string | undefined): boolean {
  const told = annotations?.[revision];
  return told === undefined || told === commit;
}

/** The layers of the manifest; undefined where one is not just as the memory and the config have it. */
function blobsOf(
  { layers }: Manifest,
  diffIds: readonly string[],
  listed: readonly ListedBlob[],
): ListedBlob[] | undefined {
  const found = layers.flatMap(({ digest, size, mediaType }, at) => {
    const same = listed.find(
      blob => blob.digest === digest && blob.size === size && blob.mediaType === mediaType,
    );
    return same && same.diffId === diffIds[at] ? [same] : [];
  });
  return found.length === layers.length && found.length === diffIds.length ? found : undefined;
}

/** The manifest of the same config and layers with just these annotations: that of a recipe's image. */
function remade(
  { stored, manifest }: { stored: StoredManifest; manifest: Manifest },
  annotations: Readonly<Record<string, string>>,
): StoredManifest {
  const { config, layers } = manifest;
  const bytes = manifestBytes({ config, layers, annotations });
  return bytes.equals(stored.bytes)
    ? stored
    : { bytes, mediaType: mediaTypes.manifest, digest: digestOf(bytes) };
}

/** The names of a recipe's layers, one for each blob, as its config's history tells them. */
function layerNames(config: Buffer): string[] | undefined {
  const { history } = fieldsOf(jsonValue(config.toString()));
  const names = (Array.isArray(history) ? history : []).map(
    entry => /^comfy-nix (.+)$/.exec(String(fieldsOf(entry).created_by))?.[1],
  );
  return names.length > 0 && names.every(name => name !== undefined) ? names : undefined;
}

function layersOf(blobs: readonly ListedBlob[], names: readonly string[]): MadeLayer[] {
  const byName = Map.groupBy(blobs.keys(), at => names[at] ?? '');
  return [...byName].map(([name, places]) => ({
    ...{ name, target: null, origin: 'reused' },
    blobs: places.flatMap(at => blobs.slice(at, at + 1).map(present)),
  }));
}

const present = (blob: ListedBlob): LayerBlob => ({
  ...blob,
  ...{ key: blob.diffId, paths: [], transfer: 'present' },
});
