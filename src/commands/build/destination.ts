import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { checkTag } from '../../inputs/references.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { openStore } from '../../registry/open.ts';
import type { ImageStore } from '../../registry/store.ts';
import { absoluteImage } from '../places.ts';

/** Where the image goes. */
export interface Destination {
  store: ImageStore;
  /** Checked; at least one. */
  tags: readonly string[];
  /** Where the memory lives; undefined where the store can hold none. */
  cacheTag: string | undefined;
}

/** What the destination takes from the image. */
export interface ImageIdentity {
  name: string;
  tag: string;
  /** OCI's name. */
  architecture: string;
}

/** Opens the image's store, and checks all tags before anything is built. */
export function openDestination(
  settings: BuildSettings,
  image: ImageIdentity,
  host: Host,
): Destination {
  const wanted = settings.image ?? `oci:${image.name}-image`;
  const tags = settings.tags.length > 0 ? settings.tags : [image.tag];
  for (const tag of tags) checkTag('tags', tag);
  const store = openStore(absoluteImage(wanted, settings.workingDirectory), {
    // an interrupt ends the transfers, and not what must be written after it
    host: { ...host, signal: undefined },
    interrupt: host.signal,
    credentials: settings.credentials,
    // a docker-archive names the image, in lower case alone
    imageName: image.name.toLowerCase(),
    reading: !settings.push,
  });
  const cacheTag = settings.cacheTag ?? defaultCacheTag(image);
  if (tags.includes(cacheTag)) {
    throw new Failure(
      `The tag ${cacheTag} is where the memory is kept, and cannot name the image.`,
      {
        next: 'Choose another tag, or another cache-tag.',
      },
    );
  }
  return { store, tags, cacheTag: store.kind === 'docker-archive' ? undefined : cacheTag };
}

/** `cache-<name>-<tag>-<arch>`, with what a tag cannot hold replaced. */
function defaultCacheTag({ name, tag, architecture }: ImageIdentity): string {
  return `cache-${name}-${tag}-${architecture}`.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 128);
}
