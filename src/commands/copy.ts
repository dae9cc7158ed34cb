import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { sourceDateEpoch } from '../host/epoch.ts';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import { isNamed } from '../host/presence.ts';
import { notice } from '../host/say.ts';
import { stoppable } from '../host/stoppable.ts';
import { visible } from '../host/visible.ts';
import type { Packing } from '../image/compress.ts';
import { framePool } from '../image/frames.ts';
import { linuxOn } from '../image/oci/choose.ts';
import { isNondistributable } from '../image/oci/layer-types.ts';
import { storedImage } from '../image/oci/stored-image.ts';
import { openSource } from '../image/sources/detect.ts';
import { filesOfPath } from '../image/sources/source-files.ts';
import { measuredImage, type SourceImage } from '../image/sources/source-image.ts';
import { mediaTypes } from '../image/types.ts';
import type { CopySettings } from '../inputs/settings.ts';
import { findNix } from '../nix/nix.ts';
import { credentialsElsewhere } from '../registry/credentials.ts';
import { openStore } from '../registry/open.ts';
import { parseReference } from '../registry/reference.ts';
import { arrangeKnowledge, presenceIn } from '../registry/reuse.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';
import type { VerbOutcome } from './outcome.ts';
import { absoluteImage } from './places.ts';
import { sendImage } from './send-image.ts';
import { sourceStore } from './source-store.ts';
import { moveTags } from './tags.ts';
import { startTransfers } from './transfers.ts';

/** Linux on this machine's processor: chooses among the images of an index. */
const thisMachine = linuxOn(
  { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch,
);

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
  const store = openDestination(settings, host, () => name);
  try {
    // `docker load` of all versions reads plain layers
    const compression = store.takes(mediaTypes.layer.zstd) ? settings.compression : 'none';
    const packing = { compression, pool: framePool(availableParallelism()) };
    const image = await openImage(settings, store.repository, packing, host);
    try {
      name = nameOf(image) ?? name;
      tell(image, host);
      const tags = chooseTags(settings, image);
      const manifest = await inPhase(host, 'push', () => send(image, store, settings, host));
      await inPhase(host, 'finish', () => moveTags(store, tags, manifest, host));
      return outcome(store, manifest, tags);
    } finally {
      await image.close();
    }
  } finally {
    await store.close();
  }
}

function openDestination(
  { destination, credentials, workingDirectory }: CopySettings,
  host: Host,
  imageName: () => string,
) {
  return openStore(absoluteImage(destination.image, workingDirectory), {
    host: { ...host, signal: undefined },
    interrupt: host.signal,
    credentials,
    imageName,
  });
}

/** What the image is called where it comes from, without a tag. */
const nameOf = ({ repoTags: [name] }: SourceImage) => name?.slice(0, name.lastIndexOf(':'));

/** Opens the source by its form: a prefix, a path that exists, else a reference. */
async function openImage(
  { source, workingDirectory, credentials, fromFork, platform = thisMachine }: CopySettings,
  destination: string,
  packing: Packing,
  host: Host,
): Promise<SourceImage> {
  const [, kind, rest = ''] = /^(oci|docker-archive):(.*)$/s.exec(source) ?? [];
  const [, layout = rest, tag] = (kind === 'oci' && /^(.*):([^:/]+)$/s.exec(rest)) || [];
  const path = resolve(workingDirectory, kind === undefined ? source : layout);
  // a link counts by itself: in a chroot store it leads to where nothing is
  if (kind !== undefined || (await isNamed(path))) {
    const files = await filesOfPath(path, async () => {
      const nix = await findNix(host);
      return nix && sourceStore(nix);
    });
    return openSource(files, {
      packing,
      now: () => epoch(source, host),
      runPrograms: !fromFork,
      env: host.env,
      signal: host.signal,
      platform,
      ...(tag === undefined ? {} : { tag }),
    });
  }
  const reference = parseReference(source.replace(/^docker:\/\//, ''));
  const repository = `${reference.registry}/${reference.repository}`;
  const store = openStore(repository, {
    host,
    credentials: credentialsElsewhere(credentials, destination, reference),
    reading: true,
  });
  const at = reference.digest ?? reference.tag ?? 'latest';
  const stored = await storedImage(store, packing, {
    reference: at,
    platform,
    name: `image ${repository}:${at}`,
    repoTags: [`${repository}:${reference.tag ?? 'latest'}`],
    from: repository,
  });
  const image = { ...stored, close: () => store.close() };
  return packing.compression === 'none' ? measuredImage(image, host.signal) : image;
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

/** Seconds since the epoch for an image that says "now". */
async function epoch(source: string, { env }: Host): Promise<number> {
  const given = sourceDateEpoch(env);
  if (given !== undefined) return given;
  throw new Failure(
    `${source} says that it is made "now", and the program has to know when that is.`,
    {
      next: 'Set SOURCE_DATE_EPOCH to seconds since 1970, or give the image a fixed date.',
    },
  );
}

/** Tags as they were asked for, else those that the image names itself by, else `latest`. */
function chooseTags({ destination }: CopySettings, image: SourceImage): string[] {
  if (destination.tags.length > 0) return destination.tags;
  const named = image.repoTags.flatMap(name => parseReference(name).tag ?? []);
  const own = [...named, ...(image.tags ?? [])];
  return own.length > 0 ? [...new Set(own)] : ['latest'];
}

async function send(
  image: SourceImage,
  store: ImageStore,
  { compression }: CopySettings,
  host: Host,
): Promise<StoredManifest> {
  const { host: stopped, stop } = stoppable(host);
  const transfers = startTransfers(store, stopped, stop);
  const knowledge = arrangeKnowledge([], mediaTypes.layer[compression]);
  const layer = image.description;
  const layers = [{ name: layer, reused: false, shipped: true }];
  host.emit({ type: 'plan', layers, at: host.clock() });
  try {
    const { manifest } = await sendImage(image, {
      store,
      transfers,
      knowledge,
      presence: presenceIn(store, knowledge),
      layer,
      labels: {},
      annotations: {},
    });
    host.emit({ type: 'layer-end', layer, at: host.clock() });
    return manifest;
  } catch (error) {
    stop(error);
    throw error;
  } finally {
    await transfers.ended();
  }
}

function outcome(store: ImageStore, { digest }: StoredManifest, tags: string[]): VerbOutcome {
  const name = store.repository;
  return { outputs: { name, digest, ref: `${name}@${digest}`, tags } };
}
