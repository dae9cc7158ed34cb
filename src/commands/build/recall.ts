import { setImmediate as nextTurn } from 'node:timers/promises';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { mediaTypes } from '../../image/types.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { credentialsElsewhere } from '../../registry/credentials.ts';
import { evidenceIn, type StoreEvidence, type TaggedImage } from '../../registry/evidence.ts';
import { mapBlobs } from '../../registry/memory/merge.ts';
import { type MemoryPlace, memoryPlace } from '../../registry/memory/place.ts';
import { readMemory } from '../../registry/memory/read.ts';
import { parseReference } from '../../registry/reference.ts';
import type { Memory } from '../../registry/remembered.ts';
import { remoteStore } from '../../registry/remote.ts';
import { arrangeKnowledge, type Knowledge, type RememberedPlace } from '../../registry/reuse.ts';
import type { ImageStore } from '../../registry/store.ts';
import { memoryIfReadable, toldMemory } from '../found-memory.ts';
import type { Destination } from './destination.ts';
import { recallVariants } from './variants.ts';

/** What was found in the memories. */
export interface Recollection {
  /** What this run may rely on: nothing where `reuse` is off. */
  knowledge: Knowledge;
  /** All that is remembered, to compare new blobs with. */
  remembered: Knowledge;
  /** Where the memory of the image's own repository is; undefined where it can hold none. */
  own: MemoryPlace | undefined;
  /** The image that each of the tags names now; asked for where they are to be moved. */
  tagged: readonly (TaggedImage | undefined)[];
  /** Why it is not known what the repository holds; undefined where it is. */
  unknown?: string | undefined;
  /** Closes the places of `cache-from`, which may be asked for what proves their memories. */
  forget(): Promise<void>;
}

/** The image for which memories are read. */
interface SoughtImage {
  name: string;
  storeDir: string;
  /** OCI's name. */
  architecture: string;
  /** Output paths of its layers' targets, … */
  targets: readonly string[];
  /** … and of layers of several: where one is not remembered, other variants may know it. */
  shared: readonly string[];
}

/**
 * What the image's repository and `cache-from` remember. A memory that cannot be read costs a warning
 * and a slower run; only a repository that refuses the image itself is a failure, and it comes now,
 * before anything is built.
 */
export async function recall(
  destination: Destination,
  settings: BuildSettings,
  image: SoughtImage,
  host: Host,
): Promise<Recollection> {
  const mediaType = mediaTypes.layer[settings.compression];
  const { cacheTag, store, mayWrite } = destination;
  const place =
    cacheTag &&
    memoryPlace(store, cacheTag, {
      ...{ ...image, mayWrite, host },
      withRecord: true,
    });
  const own = place || undefined;
  const evidence = evidenceIn(store);
  // a login that was refused by now is not tried again
  if (settings.push) await Promise.race([destination.loggedIn(), nextTurn()]);
  const [{ memory, unknown }, tagged, others] = await Promise.all([
    recallOwn(own, destination, settings, host),
    recallTagged(destination, settings, evidence),
    Promise.all(
      settings.cacheFrom.map(from => recallFrom(from, destination, settings, image, host)),
    ),
  ]);
  const places: RememberedPlace[] = [{ memory, evidence }, ...others];
  const known = arrangeKnowledge(places, mediaType);
  // a repository may have very many tags: they are not listed for a new version of the app
  const sought = memory.images.length === 0 ? image.targets : image.shared;
  const lacking = sought.filter(outPath => known.closureOf(outPath) === undefined);
  const isLacking = (memories: readonly Memory[]) => !holdAll(memories, lacking);
  const variants =
    cacheTag !== undefined && settings.reuse
      ? await recallVariants(store, { ...image, cacheTag }, image, isLacking)
      : [];
  places.push(...variants.map(each => ({ memory: each, evidence })));
  const remembered = variants.length > 0 ? arrangeKnowledge(places, mediaType) : known;
  const knowledge = settings.reuse ? remembered : arrangeKnowledge([], mediaType);
  const forget = async () => {
    await Promise.all(others.map(({ store }) => store.close()));
  };
  return { knowledge, remembered, own, tagged, unknown, forget };
}

/** Whether the memories know all of these outputs. */
function holdAll(memories: readonly Memory[], outPaths: readonly string[]): boolean {
  const outputs = memories.flatMap(({ images }) => images.flatMap(image => image.outputs));
  const known = new Set(outputs.map(({ outPath }) => outPath));
  return outPaths.every(outPath => known.has(outPath));
}

/** Reads the memory, for a run that pushes while it is being found out whether the login will do. */
async function recallOwn(
  place: MemoryPlace | undefined,
  { store, loggedIn }: Destination,
  { push }: BuildSettings,
  host: Host,
): Promise<{ memory: Memory; unknown?: string }> {
  if (place === undefined) return { memory: nothing };
  if (!push) {
    const loss = `What ${store.repository} holds is not known`;
    let unknown: string | undefined;
    const reading = loggedIn().then(() => place.read());
    reading.catch(error => {
      unknown = `${loss}: ${explain(error)}`;
    });
    const memory = await memoryIfReadable(reading, loss, host);
    return { memory, ...(unknown === undefined ? {} : { unknown }) };
  }
  const reading = place.read();
  reading.catch(() => undefined); // what is wrong with the login is the better reason
  await loggedIn();
  return { memory: await toldMemory(reading, host) };
}

const nothing: Memory = { images: [] };

/** What the tags name by now, where it need not be asked of those that are not to be moved. */
function recallTagged(
  { store, tags }: Destination,
  { push, dryRun, reuse }: BuildSettings,
  evidence: StoreEvidence,
): Promise<Recollection['tagged']> {
  const isOfUse = (push || dryRun) && reuse && store.remembers;
  return Promise.all(tags.map(async tag => (isOfUse ? evidence.imageAt(tag) : undefined)));
}

/** Blobs of another repository are of use when a registry can mount them; closures always are. */
async function recallFrom(
  from: string,
  { store, hosts }: Destination,
  settings: BuildSettings,
  image: { storeDir: string; architecture: string },
  host: Host,
): Promise<RememberedPlace & { store: ImageStore }> {
  const reference = parseReference(from);
  const { repository } = reference;
  const other = remoteStore(reference, {
    host,
    hosts,
    insecureRegistries: settings.insecureRegistries,
    credentials: credentialsElsewhere(settings.credentials, store.place, reference),
    reading: true,
  });
  const at = reference.digest ?? reference.tag ?? 'latest';
  const reading = readMemory(other, at, image);
  const memory = await memoryIfReadable(
    reading,
    `Nothing was learnt from \`cache-from: ${from}\``,
    host,
  );
  const place = { evidence: evidenceIn(other), store: other };
  if (other.repository === store.repository) return { ...place, memory };
  const sameRegistry = store.place?.registry === reference.registry;
  const images = memory.images.map(image =>
    mapBlobs(image, blob => (sameRegistry ? { ...blob, from: repository } : undefined)),
  );
  return { ...place, memory: { images } };
}
