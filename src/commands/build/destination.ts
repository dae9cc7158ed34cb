import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { atOnce } from '../../host/limits.ts';
import { defaultCacheTag, isLocalImage, tagWithoutRecipe } from '../../inputs/destination.ts';
import { checkTag } from '../../inputs/references.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { type RegistryHosts, registryHosts } from '../../registry/hosts.ts';
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
  /** The way in, where it was taken ahead: the first who uses the store waits for it. */
  loggedIn: Repository['loggedIn'];
  /** Whether the login was seen to be allowed to write; undefined where nobody tries. */
  mayWrite?: Repository['mayWrite'];
  /** What is found out of registries on the way. */
  hosts: RegistryHosts;
}

/** A repository in a registry, opened before anything is known of the image. */
export interface Repository {
  store: ImageStore;
  hosts: RegistryHosts;
  /** Begins to log in, once, and to find out whether a run that pushes may write. What comes of it is told to who asks {@link loggedIn}. */
  logIn(): void;
  /** Resolves when nothing is left of a login that has begun; rejects with its {@link Failure}. */
  loggedIn(): Promise<void>;
  /** Whether the login was seen to be allowed to write here; absent where that was not tried. */
  mayWrite?: (() => Promise<boolean>) | undefined;
  /** Ends what is under way. Never rejects. */
  close(): Promise<void>;
}

/** What the destination takes from the image. */
export interface ImageIdentity {
  name: string;
  tag: string;
  /** OCI's name. */
  architecture: string;
  /** Whether name and tag are those of a recipe. */
  hasRecipe: boolean;
}

/** Opens the repository that the image goes to; undefined where it goes to no registry. */
export function openRepository(
  { image, credentials, insecureRegistries, push }: BuildSettings,
  host: Host,
): Repository | undefined {
  if (image === undefined || isLocalImage(image)) return undefined;
  const ending = new AbortController();
  // an interrupt ends the transfers, and not what must be written after it
  const ended = { ...host, signal: ending.signal };
  const hosts = registryHosts(atOnce.ahead);
  const options = { host: ended, credentials, hosts, insecureRegistries, reading: !push };
  const store = openStore(image, options);
  /**
   * What a writer asks anyway logs in as well. Whether it may be written to is found out only where it is
   * to be: some registries create it by that.
   */
  const comeIn = async () => (push ? store.checkWrite?.() : store.logIn?.());
  let login: Promise<void> | undefined;
  return {
    store,
    hosts,
    logIn: () => {
      login ??= comeIn();
      login.catch(() => undefined);
    },
    loggedIn: async () => login,
    mayWrite:
      push && store.checkWrite
        ? async () => {
            await login;
            return login !== undefined;
          }
        : undefined,
    close: async () => {
      ending.abort();
      await login?.catch(() => undefined);
      await store.close();
    },
  };
}

/**
 * Where the image goes: its repository, or a store that is opened here. All tags are checked before
 * anything is built.
 */
export function openDestination(
  settings: BuildSettings,
  image: ImageIdentity,
  host: Host,
  repository?: Repository,
): Destination {
  const tags = settings.tags.length > 0 ? settings.tags : [image.tag];
  for (const tag of tags) checkTag('tags', tag);
  const store = repository?.store ?? openLocalStore(settings, image, host);
  const cacheTag = settings.cacheTag ?? cacheTagOf(image, store);
  if (tags.includes(cacheTag)) {
    throw new Failure(
      `The tag ${cacheTag} is where the memory is kept, and cannot name the image.`,
      {
        next: 'Choose another tag, or another `cache-tag`.',
      },
    );
  }
  return {
    store,
    tags,
    cacheTag: store.remembers ? cacheTag : undefined,
    loggedIn: async () => repository?.loggedIn(),
    mayWrite: repository?.mayWrite,
    hosts: repository?.hosts ?? registryHosts(),
  };
}

const cacheTagOf = (image: ImageIdentity, { repository }: ImageStore): string =>
  image.hasRecipe ? defaultCacheTag(image) : tagWithoutRecipe(repository, image.architecture);

function openLocalStore(settings: BuildSettings, image: ImageIdentity, host: Host): ImageStore {
  const wanted = settings.image ?? `oci:${image.name}-image`;
  return openStore(absoluteImage(wanted, settings.workingDirectory), {
    // an interrupt ends the transfers, and not what must be written after it
    host: { ...host, signal: undefined },
    interrupt: host.signal,
    credentials: settings.credentials,
    // a docker-archive names the image, in lower case alone
    imageName: () => image.name.toLowerCase(),
  });
}
