import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { limits } from '../../host/limits.ts';
import { onceEach } from '../../host/once.ts';
import { inPhase } from '../../host/phase.ts';
import { stoppable } from '../../host/stoppable.ts';
import { visible } from '../../host/visible.ts';
import { readManifestOrIndex } from '../../image/oci/documents.ts';
import type { ImageReader, StoredManifest } from '../../image/oci/reader.ts';
import { storedBlob } from '../../image/oci/stored-image.ts';
import type { Descriptor } from '../../image/types.ts';
import type { ImageStore } from '../../registry/store.ts';
import { moveTags } from '../tags.ts';
import { type Transfers, whileSending } from '../transfers.ts';

/** All that a reference leads to. */
export interface WholeSource {
  reader: ImageReader;
  /** Tag or digest. */
  reference: string;
  /** For people. */
  name: string;
  /** The repository, where a blob of it may be mounted into another one. */
  from?: string;
  /** The image's own tags. */
  tags: readonly string[];
  close(): Promise<void>;
}

interface Copying extends WholeSource {
  store: ImageStore;
  transfers: Transfers;
  /** Copies a blob; the same one once. */
  blob(descriptor: Descriptor): Promise<object>;
  /** Tags by which others are found that refer to what was copied. */
  referrers: Map<string, StoredManifest>;
}

/**
 * Copies an index with all of its images, or one image, each manifest to the byte; and what refers to
 * them by tags that are made of their digests (signatures, attestations). Tags move last.
 */
export async function copyAll(
  whole: WholeSource,
  tags: readonly string[],
  store: ImageStore,
  host: Host,
): Promise<StoredManifest> {
  const { name } = whole;
  host.emit({ type: 'plan', layers: [{ name, reused: false, shipped: true }], at: host.clock() });
  return whileSending(store, stoppable(host), async transfers => {
    const copying: Copying = {
      ...whole,
      store,
      transfers,
      blob: onceEach(
        ({ digest }) => digest,
        descriptor => copyBlob(descriptor, copying),
      ),
      referrers: new Map(),
    };
    const top = await inPhase(host, 'push', () => copyAt(whole.reference, copying));
    host.emit({ type: 'layer-end', layer: name, at: host.clock() });
    await inPhase(host, 'finish', async () => {
      for (const [tag, manifest] of copying.referrers) await store.putTag(tag, manifest);
      await moveTags(store, tags, top, host);
    });
    return top;
  });
}

async function copyAt(reference: string, copying: Copying, depth = 0): Promise<StoredManifest> {
  const { reader, name } = copying;
  const stored = await reader.getManifest(reference);
  if (stored === undefined) {
    throw new Failure(`${name} has no manifest ${visible(reference)}.`, {
      next: 'Check the reference; what an index names may have been deleted since.',
    });
  }
  await copyManifest(stored, copying, depth);
  return stored;
}

/** What a manifest names goes before it, what refers to it after it. */
async function copyManifest(
  stored: StoredManifest,
  copying: Copying,
  depth: number,
): Promise<void> {
  const { store, name } = copying;
  const { bytes, mediaType, digest } = stored;
  if (!store.takes(mediaType)) throw cannotHold(store, mediaType);
  if (depth > limits.nestedIndexes) {
    throw new Failure(
      `More than ${limits.nestedIndexes} indexes of ${name} lie within each other.`,
    );
  }
  const found = readManifestOrIndex(bytes, name);
  if ('layers' in found) {
    await Promise.all([found.config, ...found.layers].map(copying.blob));
  } else {
    for (const { digest } of found.manifests) await copyAt(digest, copying, depth + 1);
  }
  await store.putManifest(bytes, mediaType, { untagged: depth > 0 });
  await copyReferrers(digest, copying, depth);
}

/** As the tags are called that stand in for the referrers API, and those of cosign. */
const referrerTags = ['', '.sig', '.att', '.sbom'];

async function copyReferrers(digest: string, copying: Copying, depth: number): Promise<void> {
  for (const ending of referrerTags) {
    const tag = `${digest.replace(':', '-')}${ending}`;
    const found = await copying.reader.getManifest(tag);
    if (found === undefined || copying.referrers.has(tag)) continue;
    copying.referrers.set(tag, found);
    await copyManifest(found, copying, depth + 1);
  }
}

async function copyBlob(
  descriptor: Descriptor,
  { reader, store, from, name, transfers }: Copying,
): Promise<object> {
  const { digest, size } = descriptor;
  if (await store.hasBlob(digest, size)) return descriptor;
  if (from !== undefined && (await store.mountBlob(digest, from))) return descriptor;
  const source = storedBlob(reader, descriptor);
  return transfers.send({ layer: name, index: 0, key: digest, paths: [], source, weight: size });
}

const cannotHold = ({ repository }: ImageStore, mediaType: string) =>
  new Failure(`${repository} cannot hold a manifest of the type ${visible(mediaType)} as it is.`, {
    next: 'Copy one image by --platform, which is converted, or copy to a registry.',
  });
