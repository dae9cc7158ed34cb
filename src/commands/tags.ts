import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { inSpan } from '../host/span.ts';
import type { StatedImage } from '../registry/evidence.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';

/**
 * Points the tags at a manifest that was put into the store: the last thing that is done to an image.
 * Before the first one the store must be able to give the manifest back; one that has it by tags alone,
 * after that.
 * @param current those that were just seen to name this very manifest
 */
export async function moveTags(
  store: ImageStore,
  tags: readonly string[],
  manifest: StoredManifest,
  host: Host,
  current: readonly string[] = [],
): Promise<void> {
  const { digest } = manifest;
  const isGiven = () =>
    inSpan(host, { kind: 'manifest', detail: digest }, async () => {
      return (await store.getManifest(digest)) !== undefined;
    });
  let isThere = current.length > 0 || (await isGiven());
  const moved: string[] = [];
  for (const tag of tags.filter(each => !current.includes(each))) {
    try {
      host.signal?.throwIfAborted();
      await inSpan(host, { kind: 'tag', detail: tag }, async () => {
        await store.putTag(tag, manifest);
        if (!isThere) await checkTag(store, tag, digest);
      });
      isThere = true;
    } catch (error) {
      throw tagFailure(error, tag, moved, `${store.repository}@${digest}`);
    }
    moved.push(tag);
  }
}

/**
 * Puts a manifest, all of whose blobs were seen in the store, at the tags, side by side: each of them is checked
 * by the digest in its answer, and no tag moves where the manifest is not taken.
 */
export async function moveTagsAtOnce(
  store: ImageStore,
  tags: readonly string[],
  manifest: StoredManifest,
  host: Host,
): Promise<void> {
  host.signal?.throwIfAborted();
  const moves = await Promise.allSettled(tags.map(tag => store.putTag(tag, manifest)));
  const moved = tags.filter((_, at) => moves[at]?.status === 'fulfilled');
  for (const [at, tag] of tags.entries()) {
    const move = moves[at];
    if (move?.status !== 'rejected') continue;
    throw tagFailure(move.reason, tag, moved, `${store.repository}@${manifest.digest}`);
  }
}

async function checkTag(store: ImageStore, tag: string, digest: string): Promise<void> {
  const found = await store.getManifest(tag);
  if (found?.digest === digest) return;
  throw new Failure(`${store.repository} accepted the manifest ${digest} but does not have it.`, {
    tried: `It was put by its digest and by the tag ${tag}, and was asked for by both.`,
    next: 'Run the command again; if it happens again, look into the logs of the registry.',
  });
}

function tagFailure(error: unknown, tag: string, moved: readonly string[], image: string): unknown {
  if (!(error instanceof Failure)) return error;
  const state = moved.length === 0 ? 'no tag has moved' : `already moved: ${moved.join(', ')}`;
  return new Failure(`The tag ${tag} could not be moved to ${image} (${state}): ${error.message}`, {
    ...error.details,
    cause: error,
  });
}

/** Those of the tags that name this manifest. `tagged`: the image that each of them names. */
export const tagsNaming = (
  { digest }: Pick<StoredManifest, 'digest'>,
  tags: readonly string[],
  tagged: readonly (StatedImage | undefined)[],
): string[] => tags.filter((_, at) => tagged[at]?.stored.digest === digest);
