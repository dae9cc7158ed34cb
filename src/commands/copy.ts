import { availableParallelism } from 'node:os';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { atOnce } from '../host/limits.ts';
import { inPhase } from '../host/phase.ts';
import { notice, warn } from '../host/say.ts';
import { stoppable } from '../host/stoppable.ts';
import { visible } from '../host/visible.ts';
import { framePool } from '../image/frames.ts';
import { platformName } from '../image/oci/choose.ts';
import { isNondistributable } from '../image/oci/layer-types.ts';
import type { SourceImage } from '../image/sources/source-image.ts';
import { mediaTypes } from '../image/types.ts';
import type { CopySettings } from '../inputs/settings.ts';
import { type RegistryHosts, registryHosts } from '../registry/hosts.ts';
import { openStore } from '../registry/open.ts';
import { parseReference } from '../registry/reference.ts';
import { arrangeKnowledge, presenceIn } from '../registry/reuse.ts';
import type { ImageStore } from '../registry/store.ts';
import { sendAll } from './copy/all.ts';
import { type CopyMemory, recallCopy } from './copy/memory.ts';
import { type CopySource, findSource } from './copy/source.ts';
import type { VerbOutcome } from './outcome.ts';
import { absoluteImage } from './places.ts';
import { push, putImage, type SentImage } from './push.ts';
import { sendLayers } from './send-image.ts';
import { whileSending } from './transfers.ts';

/**
 * Copies an image of any kind (a reference, an OCI layout, a docker-archive, a store path or file) to
 * a registry, an OCI layout or a docker-archive. What the destination holds is not sent; tags move
 * last.
 */
export async function copy(settings: CopySettings, host: Host): Promise<VerbOutcome> {
  const { refusal } = settings;
  if (refusal !== undefined) {
    notice(host, refusal);
    return { outputs: {} };
  }
  let name = 'image';
  const hosts = registryHosts(atOnce.ahead);
  const store = openDestination(settings, hosts, host, () => name);
  try {
    const source = await findSource(settings, { store, hosts }, host);
    const work = { source, settings, store, host };
    const { tags } = settings.destination;
    if (settings.all) return await copyWhole(work);
    const asked = tags.length > 0 ? await recall(work, tags) : undefined;
    const moved = asked && (await moveKnown(work, tags, asked));
    if (moved) return moved;
    // `docker load` of all versions reads plain layers
    const compression = store.takes(mediaTypes.layer.zstd) ? settings.compression : 'none';
    const image = await source.open({ compression, pool: framePool(availableParallelism()) });
    try {
      checkPlatform(image, settings);
      name = nameOf(image) ?? name;
      return await copyImage(work, image, asked);
    } finally {
      await image.close();
    }
  } finally {
    await store.close();
  }
}

/** What a copy works with. */
interface CopyWork {
  source: CopySource;
  settings: CopySettings;
  store: ImageStore;
  host: Host;
}

async function copyWhole(work: CopyWork): Promise<VerbOutcome> {
  const whole = await work.source.whole();
  try {
    const tags = chooseTags(work.settings, whole.tags);
    return await pushed(work, tags, undefined, () => sendAll(whole, work.store, work.host));
  } finally {
    await whole.close();
  }
}

/** What is remembered, where image and destination are of the kind of which something can be. */
async function recall({ source, settings, store, host }: CopyWork, tags: readonly string[]) {
  const { storePath } = source;
  if (storePath === undefined || !store.remembers) return undefined;
  return inPhase(host, 'remember', () => recallCopy(storePath, tags, settings, store, host));
}

/** The image that was copied before: only tags move, and nothing of it is read. */
async function moveKnown(
  work: CopyWork,
  tags: readonly string[],
  memory: CopyMemory,
): Promise<VerbOutcome | undefined> {
  const known = await memory.known();
  if (known === undefined) return undefined;
  for (const blob of known.blobs) memory.lessons.blob(blob);
  return pushed(work, tags, memory, async () => known.sent);
}

/** Sends an image, unless its tags say by now that it is there; what was sent is remembered. */
async function copyImage(
  work: CopyWork,
  image: SourceImage,
  asked: CopyMemory | undefined,
): Promise<VerbOutcome> {
  const { settings, host } = work;
  const tags = chooseTags(settings, tagsOf(image));
  const memory = asked ?? (await recall(work, tags));
  const moved = memory && !asked ? await moveKnown(work, tags, memory) : undefined;
  if (moved) return moved;
  tell(image, host);
  return pushed(work, tags, memory, () =>
    inPhase(host, 'push', () => sendOne(image, work, memory)),
  );
}

async function pushed(
  { store, host }: CopyWork,
  tags: readonly string[],
  memory: CopyMemory | undefined,
  send: () => Promise<SentImage>,
): Promise<VerbOutcome> {
  const { digest } = await push({ store, tags, host, ...(memory ?? noMemory) }, send);
  const name = store.repository;
  return { outputs: { name, digest, ref: `${name}@${digest}`, tags: [...tags] } };
}

function openDestination(
  settings: CopySettings,
  hosts: RegistryHosts,
  host: Host,
  imageName: () => string,
): ImageStore {
  const { destination, credentials, insecureRegistries, workingDirectory } = settings;
  return openStore(absoluteImage(destination.image, workingDirectory), {
    host: { ...host, signal: undefined },
    interrupt: host.signal,
    credentials,
    hosts,
    insecureRegistries,
    imageName,
  });
}

/** What the image is called where it comes from, without a tag. */
const nameOf = ({ repoTags: [name] }: SourceImage) => name?.slice(0, name.lastIndexOf(':'));

/** An image that is no index, and not for what was asked for, is another one than the user means. */
function checkPlatform(
  { platform: found, description }: SourceImage,
  { platform: asked }: CopySettings,
): void {
  if (!found || !asked) return;
  if (found.os === asked.os && found.architecture === asked.architecture) return;
  const [is, wanted] = [visible(platformName(found)), platformName(asked)];
  throw new Failure(`${description} is for ${is}, and ${wanted} was asked for.`, {
    next: 'Leave --platform out, or name a source that has images for several platforms.',
  });
}

/** Says what people may miss in the copy, or may have to know of it. */
function tell({ otherPlatforms = [], layers, description }: SourceImage, host: Host): void {
  if (otherPlatforms.length > 0) {
    const others = otherPlatforms.map(visible).join(', ');
    notice(host, `Not copied are the images for ${others} of the ${description}.`);
  }
  if (layers.some(({ source }) => isNondistributable(source.mediaType))) {
    notice(host, `The ${description} has layers that not everybody may pass on; they are kept.`);
  }
}

/** Tags as they were asked for, else those that the image names itself by, else `latest`. */
function chooseTags({ destination }: CopySettings, own: readonly string[]): readonly string[] {
  if (destination.tags.length > 0) return destination.tags;
  return own.length > 0 ? own : ['latest'];
}

function tagsOf({ repoTags, tags = [] }: SourceImage): string[] {
  const named = repoTags.flatMap(name => parseReference(name).tag ?? []);
  return [...new Set([...named, ...tags])];
}

const noMemory: Pick<CopyMemory, 'remember' | 'notRemembered'> = {
  remember: async () => undefined,
  notRemembered: () => undefined,
};

async function sendOne(
  source: SourceImage,
  { store, settings: { compression }, host }: CopyWork,
  memory: CopyMemory | undefined,
): Promise<SentImage> {
  const knowledge = memory?.knowledge ?? arrangeKnowledge([], mediaTypes.layer[compression]);
  const layer = source.description;
  const layers = [{ name: layer, reused: false, shipped: true }];
  host.emit({ type: 'plan', layers, at: host.clock() });
  const { image } = await whileSending(store, stoppable(host), transfers =>
    sendLayers(source, {
      ...{ store, transfers, knowledge, layer, labels: {}, annotations: {} },
      presence: presenceIn(store, knowledge, message => warn(host, message)),
      ...(memory ? { done: memory.lessons.blob } : {}),
    }),
  );
  host.emit({ type: 'layer-end', layer, at: host.clock() });
  return { manifest: image.manifest, put: () => putImage(store, image) };
}
