import { dirname } from 'node:path';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import { mediaTypes } from '../../image/types.ts';
import { tagWithoutRecipe } from '../../inputs/destination.ts';
import type { CopySettings } from '../../inputs/settings.ts';
import { evidenceIn } from '../../registry/evidence.ts';
import { memoryPlace } from '../../registry/memory/place.ts';
import { arrangeKnowledge, type Knowledge } from '../../registry/reuse.ts';
import type { ImageStore } from '../../registry/store.ts';
import { variantOf } from '../build/context.ts';
import { type Lessons, startLessons } from '../build/lessons.ts';
import { memoryIfReadable } from '../found-memory.ts';
import { type KnownImage, knownImage } from '../known-image.ts';
import type { Push } from '../push.ts';
import { thisMachine } from './source.ts';

/** What the destination remembers of images that Nix has built, and what this run adds to it. */
export interface CopyMemory extends Pick<Push, 'remember' | 'notRemembered'> {
  knowledge: Knowledge;
  lessons: Lessons;
  /** The image that was sent for this very store path, if all of it is there. */
  known(): Promise<KnownImage | undefined>;
}

/**
 * Reads the memory where `build` keeps it for images that have no recipe. One that cannot be read costs a
 * warning.
 */
export async function recallCopy(
  storePath: string,
  tags: readonly string[],
  settings: CopySettings,
  store: ImageStore,
  host: Host,
): Promise<CopyMemory> {
  const { compression, writeMemory: mayWrite } = settings;
  const { architecture } = settings.platform ?? thisMachine;
  const cacheTag = tagWithoutRecipe(store.repository, architecture);
  const place = memoryPlace(store, cacheTag, { storeDir: dirname(storePath), architecture, host });
  const loss = `What ${store.repository} remembers is not known`;
  const evidence = evidenceIn(store);
  const [memory, tagged] = await Promise.all([
    memoryIfReadable(place.read(), loss, host),
    Promise.all(tags.map(evidence.imageAt)),
  ]);
  const remembered = { memory, evidence };
  const knowledge = arrangeKnowledge([remembered], mediaTypes.layer[compression]);
  const variant = variantOf({
    settings: { compression, labels: {}, annotations: {} },
    state: { host },
  });
  const target = { outPath: storePath, variant };
  const lessons = startLessons({ rowOf: () => undefined, origin: () => ({}) });
  return {
    knowledge,
    lessons,
    known: () => knownImage(target, { store, knowledge, annotations: {}, tags, tagged, host }),
    async remember(finished) {
      const learnt = lessons.soFar();
      if (!mayWrite || learnt === undefined) return;
      const image = finished ? { digest: finished.manifest.digest, target, ...learnt } : learnt;
      await place.write({ image, isNews: false }, finished?.put);
    },
    notRemembered: error =>
      warn(
        host,
        `What was copied could not be remembered at ${store.repository}:${cacheTag}: ${explain(error)}`,
      ),
  };
}
