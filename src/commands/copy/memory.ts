import { dirname } from 'node:path';
import { explain, Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import { mediaTypes } from '../../image/types.ts';
import { defaultCacheTag } from '../../inputs/destination.ts';
import type { CopySettings } from '../../inputs/settings.ts';
import { evidenceIn } from '../../registry/evidence.ts';
import { type MemoryPlace, memoryPlace } from '../../registry/memory/place.ts';
import type { Memory } from '../../registry/remembered.ts';
import { arrangeKnowledge, type Knowledge } from '../../registry/reuse.ts';
import type { ImageStore } from '../../registry/store.ts';
import { variantOf } from '../build/context.ts';
import { type Lessons, startLessons } from '../build/lessons.ts';
import { type KnownImage, knownImage } from '../known-image.ts';
import { thisMachine } from './source.ts';

/** What the destination remembers of images that Nix has built, and what this run adds to it. */
export interface CopyMemory {
  knowledge: Knowledge;
  lessons: Lessons;
  /** The image that was sent for this very store path, if all of it is there. */
  known(): Promise<KnownImage | undefined>;
  /** Writes what was learnt; a failure of that is a warning. */
  write(digest?: string): Promise<void>;
}

/**
 * Reads the memory as `build` does, in the place where `build` keeps it for an image that is called like
 * the repository. One that cannot be read costs a warning.
 */
export async function recallCopy(
  storePath: string,
  tag: string,
  settings: CopySettings,
  store: ImageStore,
  host: Host,
): Promise<CopyMemory> {
  const { compression, writeMemory: mayWrite } = settings;
  const { architecture } = settings.platform ?? thisMachine;
  const name = store.repository.slice(store.repository.lastIndexOf('/') + 1);
  const cacheTag = defaultCacheTag({ name, tag, architecture });
  const place = memoryPlace(store, cacheTag, { storeDir: dirname(storePath), architecture, host });
  const remembered = { memory: await read(place, store, host), evidence: evidenceIn(store) };
  const knowledge = arrangeKnowledge([remembered], mediaTypes.layer[compression]);
  const variant = variantOf({ settings: { compression, labels: {} }, state: { host } });
  const target = { outPath: storePath, variant };
  const lessons = startLessons({ rowOf: () => undefined, origin: {} });
  return {
    knowledge,
    lessons,
    known: () => knownImage(target, {}, store, knowledge, host),
    async write(digest) {
      if (digest !== undefined) lessons.image(digest, target);
      const image = lessons.soFar();
      if (!mayWrite || image === undefined) return;
      await place.write({ image, isNews: false }).catch((error: unknown) => {
        warn(
          host,
          `What was copied could not be remembered at ${store.repository}:${cacheTag}: ${explain(error)}`,
        );
      });
    },
  };
}

async function read(place: MemoryPlace, store: ImageStore, host: Host): Promise<Memory> {
  try {
    const { memory, warning } = await place.read();
    if (warning !== undefined) warn(host, warning);
    return memory;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    warn(host, `What ${store.repository} remembers is not known: ${error.message}`);
    return { images: [] };
  }
}
