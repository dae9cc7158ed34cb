import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import type { StatedImage } from '../registry/evidence.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';

/**
 * Points the tags at a manifest that is in the store: the last thing that is done to an image. Before
 * the first one the store must be able to give the manifest back.
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
  if (current.length === 0) await checkManifest(store, digest);
  const moved: string[] = [];
  for (const tag of tags.filter(each => !current.includes(each))) {
    try {
      host.signal?.throwIfAborted();
      await store.putTag(tag, manifest);
    } catch (error) {
      throw tagFailure(error, tag, moved, `${store.repository}@${digest}`);
    }
    moved.push(tag);
  }
}

/** A registry that has accepted a manifest must be able to give it back before a tag points to it. */
async function checkManifest(store: ImageStore, digest: string): Promise<void> {
  if (await store.getManifest(digest)) return;
  throw new Failure(`${store.repository} accepted the manifest ${digest} but does not have it.`, {
    tried: 'The manifest was put by its digest and asked for again; no tag was moved.',
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
