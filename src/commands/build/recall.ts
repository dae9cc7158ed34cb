import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import { mediaTypes } from '../../image/types.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { credentialsElsewhere } from '../../registry/credentials.ts';
import { evidenceIn } from '../../registry/evidence.ts';
import { mapBlobs } from '../../registry/memory/merge.ts';
import { type MemoryPlace, memoryPlace } from '../../registry/memory/place.ts';
import { readMemory } from '../../registry/memory/read.ts';
import { parseReference } from '../../registry/reference.ts';
import type { Memory } from '../../registry/remembered.ts';
import { remoteStore } from '../../registry/remote.ts';
import { arrangeKnowledge, type Knowledge, type RememberedPlace } from '../../registry/reuse.ts';
import type { ImageStore } from '../../registry/store.ts';
import type { Destination } from './destination.ts';

/** What was found in the memories. */
export interface Recollection {
  /** What this run may rely on: nothing where `reuse` is off. */
  knowledge: Knowledge;
  /** All that is remembered, to compare new blobs with. */
  remembered: Knowledge;
  /** Where the memory of the image's own repository is; undefined where it can hold none. */
  own: MemoryPlace | undefined;
  /** Closes the places of `cache-from`, which may be asked for what proves their memories. */
  forget(): Promise<void>;
}

/**
 * What the image's repository and `cache-from` remember. A memory that cannot be read costs a warning
 * and a slower run; only a repository that refuses the image itself is a failure, and it comes now,
 * before anything is built.
 */
export async function recall(
  destination: Destination,
  settings: BuildSettings,
  image: { storeDir: string; architecture: string },
  host: Host,
): Promise<Recollection> {
  const mediaType = mediaTypes.layer[settings.compression];
  const { cacheTag, store, mayWrite } = destination;
  const place = cacheTag && memoryPlace(store, cacheTag, { ...image, mayWrite, host });
  const own = place || undefined;
  const [memory, others] = await Promise.all([
    recallOwn(own, destination, settings, host),
    Promise.all(
      settings.cacheFrom.map(from => recallFrom(from, destination, settings, image, host)),
    ),
  ]);
  const ours = { memory, evidence: evidenceIn(store) };
  const remembered = arrangeKnowledge([ours, ...others], mediaType);
  const knowledge = settings.reuse ? remembered : arrangeKnowledge([], mediaType);
  const forget = async () => {
    await Promise.all(others.map(({ store }) => store.close()));
  };
  return { knowledge, remembered, own, forget };
}

async function recallOwn(
  place: MemoryPlace | undefined,
  { store, loggedIn }: Destination,
  { push }: BuildSettings,
  host: Host,
): Promise<Memory> {
  if (place === undefined) return { images: [] };
  try {
    await loggedIn();
    const { memory, warning } = await place.read();
    if (warning !== undefined) warn(host, warning);
    return memory;
  } catch (error) {
    if (push || !(error instanceof Failure)) throw error;
    warn(host, `What ${store.repository} holds is not known: ${error.message}`);
    return { images: [] };
  }
}

/** Blobs of another repository are of use when a registry can mount them; closures always are. */
async function recallFrom(
  from: string,
  { store }: Destination,
  settings: BuildSettings,
  image: { storeDir: string; architecture: string },
  host: Host,
): Promise<RememberedPlace & { store: ImageStore }> {
  const reference = parseReference(from);
  const { repository } = reference;
  const other = remoteStore(reference, {
    host,
    insecureRegistries: settings.insecureRegistries,
    credentials: credentialsElsewhere(settings.credentials, store.repository, reference),
    reading: true,
  });
  const place = (memory: Memory) => ({ memory, evidence: evidenceIn(other), store: other });
  try {
    const at = reference.digest ?? reference.tag ?? 'latest';
    const { memory, warning } = await readMemory(other, at, image);
    if (warning !== undefined) warn(host, warning);
    if (other.repository === store.repository) return place(memory);
    const sameRegistry = store.repository.startsWith(`${reference.registry}/`);
    return place({
      images: memory.images.map(image =>
        mapBlobs(image, blob => (sameRegistry ? { ...blob, from: repository } : undefined)),
      ),
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    warn(host, `Nothing was learnt from cache-from ${from}: ${error.message}`);
    return place({ images: [] });
  }
}
