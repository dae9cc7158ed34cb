import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { sourceDateEpoch } from '../host/epoch.ts';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import { isNamed } from '../host/presence.ts';
import { notice } from '../host/say.ts';
import { stoppable } from '../host/stoppable.ts';
import type { Packing } from '../image/compress.ts';
import { framePool } from '../image/frames.ts';
import { openSource } from '../image/sources/detect.ts';
import { filesOfPath } from '../image/sources/source-files.ts';
import type { SourceImage } from '../image/sources/source-image.ts';
import { mediaTypes } from '../image/types.ts';
import type { CopySettings } from '../inputs/settings.ts';
import { findNix } from '../nix/nix.ts';
import { credentialsElsewhere } from '../registry/credentials.ts';
import { openStore } from '../registry/open.ts';
import { parseReference } from '../registry/reference.ts';
import { remoteStore } from '../registry/remote.ts';
import { arrangeKnowledge, presenceIn } from '../registry/reuse.ts';
import type { ImageStore, StoredManifest } from '../registry/store.ts';
import { storedImage } from '../registry/stored-image.ts';
import type { VerbOutcome } from './outcome.ts';
import { absoluteImage } from './places.ts';
import { sendImage } from './send-image.ts';
import { sourceStore } from './source-store.ts';
import { moveTags } from './tags.ts';
import { startTransfers } from './transfers.ts';

/** OCI's name of this machine's processor: chooses among the images of an index. */
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;

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
  const store = openDestination(settings, host);
  try {
    // `docker load` of all versions reads plain layers
    const compression = store.kind === 'docker-archive' ? 'none' : settings.compression;
    const packing = { compression, pool: framePool(availableParallelism()) };
    const image = await openImage(settings, store.repository, packing, host);
    try {
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

function openDestination(settings: CopySettings, host: Host) {
  const { destination, credentials, insecureRegistries, workingDirectory } = settings;
  return openStore(absoluteImage(destination.image, workingDirectory), {
    host: { ...host, signal: undefined },
    interrupt: host.signal,
    credentials,
    insecureRegistries,
  });
}

/** Opens the source by its form: a prefix, a path that exists, else a reference. */
async function openImage(
  { source, workingDirectory, credentials, insecureRegistries, fromFork }: CopySettings,
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
      architecture,
      ...(tag === undefined ? {} : { tag }),
    });
  }
  const reference = parseReference(source.replace(/^docker:\/\//, ''));
  const store = remoteStore(reference, {
    host,
    insecureRegistries,
    credentials: credentialsElsewhere(credentials, destination, reference),
    reading: true,
  });
  const at = reference.digest ?? reference.tag ?? 'latest';
  return storedImage(store, at, packing, architecture, host.signal);
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
  const own = image.repoTags.flatMap(name => parseReference(name).tag ?? []);
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
