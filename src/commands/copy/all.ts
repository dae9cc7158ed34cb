import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { limits } from '../../host/limits.ts';
import { onceEach } from '../../host/once.ts';
import { inPhase } from '../../host/phase.ts';
import { notice } from '../../host/say.ts';
import { stoppable } from '../../host/stoppable.ts';
import { visible } from '../../host/visible.ts';
import { ociIndex, ociManifest } from '../../image/oci/convert.ts';
import { type ImageIndex, readManifestOrIndex } from '../../image/oci/documents.ts';
import type { ImageReader, StoredManifest } from '../../image/oci/reader.ts';
import { storedBlob } from '../../image/oci/stored-image.ts';
import { type Descriptor, type Manifest, mediaTypes } from '../../image/types.ts';
import type { ImageStore } from '../../registry/store.ts';
import type { SentImage } from '../push.ts';
import { isMounted } from '../send-image.ts';
import { type Transfers, whileSending } from '../transfers.ts';
import { copyReferrers, type ReferrerWork } from './referrers.ts';

/** All that a reference leads to. */
export interface WholeSource {
  reader: ImageReader;
  /** Tag or digest. */
  reference: string;
  /** For people. */
  name: string;
  /** The image's own tags. */
  tags: readonly string[];
  close(): Promise<void>;
}

interface Copying extends ReferrerWork {
  transfers: Transfers;
  /** Copies a blob; the same one once. */
  blob(descriptor: Descriptor): Promise<object>;
  /** Copies a manifest; the same one once. */
  manifest(found: FoundManifest): Promise<StoredManifest>;
  /** Manifests that are there as they were: others may refer to them. */
  kept: { digest: string; depth: number }[];
  /** How many have other digests where they went. */
  converted: number;
}

interface FoundManifest {
  stored: StoredManifest;
  /** Of indexes that it lies within, and of manifests that it refers to. */
  depth: number;
}

/**
 * Sends an index with all of its images, or one image, and what refers to them (signatures,
 * attestations): each manifest to the byte, but for those of Docker's kind where the store takes OCI's
 * alone.
 */
export async function sendAll(
  whole: WholeSource,
  store: ImageStore,
  host: Host,
): Promise<SentImage> {
  const { name } = whole;
  if (!store.takes(mediaTypes.index)) throw holdsOneImage(store);
  host.emit({ type: 'plan', layers: [{ name, reused: false, shipped: true }], at: host.clock() });
  return whileSending(store, stoppable(host), async transfers => {
    const copying = startCopying(whole, store, transfers);
    const manifest = await inPhase(host, 'push', async () => {
      const sent = await copying.at(whole.reference, 0);
      // it grows with what refers to what refers
      for (const { digest, depth } of copying.kept) await copyReferrers(digest, depth, copying);
      return sent;
    });
    host.emit({ type: 'layer-end', layer: name, at: host.clock() });
    if (copying.converted > 0) notice(host, conversion(copying, manifest));
    const put = async () => {
      for (const [tag, referring] of copying.tags) await store.putTag(tag, referring);
    };
    return { manifest, put };
  });
}

function startCopying(
  { reader, name }: WholeSource,
  store: ImageStore,
  transfers: Transfers,
): Copying {
  let count = 0;
  const copying: Copying = {
    ...{ reader, name, store, transfers, tags: new Map(), kept: [], converted: 0 },
    blob: onceEach(
      ({ digest }) => digest,
      descriptor => copyBlob(descriptor, copying),
    ),
    manifest: onceEach(
      ({ stored }) => stored.digest,
      found => copyManifest(found, copying),
    ),
    at: async (reference, depth) => {
      count += 1;
      if (count > limits.copiedManifests || depth > limits.nestedIndexes) throw isEndless(name);
      const stored = await reader.getManifest(reference);
      if (stored === undefined) throw isGone(name, reference);
      return copying.manifest({ stored, depth });
    },
  };
  return copying;
}

/** What a manifest names goes before it. */
async function copyManifest(
  { stored, depth }: FoundManifest,
  copying: Copying,
): Promise<StoredManifest> {
  const { store, name } = copying;
  const found = readManifestOrIndex(stored.bytes, name);
  const sent =
    'layers' in found
      ? await copyImage(stored, found, copying)
      : await copyIndex({ stored, depth }, found, copying);
  await store.putManifest(sent.bytes, sent.mediaType, { untagged: depth > 0 });
  if (sent.digest === stored.digest) copying.kept.push({ digest: sent.digest, depth });
  else copying.converted += 1;
  return sent;
}

async function copyImage(
  stored: StoredManifest,
  found: Manifest,
  { store, name, blob }: Copying,
): Promise<StoredManifest> {
  await Promise.all([found.config, ...found.layers].map(blob));
  return store.takes(stored.mediaType) ? stored : ociManifest(found, name);
}

async function copyIndex(
  { stored, depth }: FoundManifest,
  { manifests }: ImageIndex,
  { store, at }: Copying,
): Promise<StoredManifest> {
  const sent: StoredManifest[] = [];
  for (const { digest } of manifests) sent.push(await at(digest, depth + 1));
  const isSame = sent.every(({ digest }, entry) => digest === manifests[entry]?.digest);
  return isSame && store.takes(stored.mediaType) ? stored : ociIndex(stored.bytes, sent);
}

async function copyBlob(
  descriptor: Descriptor,
  { reader, store, name, transfers }: Copying,
): Promise<object> {
  const { digest, size } = descriptor;
  if (await store.hasBlob(digest, size)) return descriptor;
  if (await isMounted(digest, reader.place, store)) return descriptor;
  const source = storedBlob(reader, descriptor);
  return transfers.send({ layer: name, index: 0, key: digest, paths: [], source, weight: size });
}

const conversion = ({ name, store, converted }: Copying, { digest }: StoredManifest) =>
  `${store.repository} takes OCI's manifests alone: ${converted} of the ${name} were converted, and it has the digest ${digest} there. What refers to those by their digests, such as signatures, is not copied.`;

const holdsOneImage = ({ repository }: ImageStore) =>
  new Failure(`${repository} cannot hold a manifest of several images, nor what refers to them.`, {
    next: 'Leave --all out (--platform chooses an image), or copy to oci:DIR or to a registry.',
  });

const isGone = (name: string, reference: string) =>
  new Failure(`${name} has no manifest ${visible(reference)}.`, {
    next: 'Check the reference; what an index names may have been deleted since.',
  });

const isEndless = (name: string) =>
  new Failure(`The manifests of ${name} lead to others and never to an end.`, {
    tried: `Up to ${limits.copiedManifests} of them are followed, and up to ${limits.nestedIndexes} within each other.`,
    next: 'Copy its images one by one, with --platform.',
  });
